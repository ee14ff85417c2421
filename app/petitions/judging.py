"""Judge a batch of letters by where they come from and how they look; everybody is answered alike."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import TypeAlias
from uuid import UUID

import structlog

from app.core.db import Database
from app.core.errors import Overloaded
from app.core.networks import UNKNOWN, Network, network_of
from app.crypto.hashing import Hasher
from app.jobs.deferring import defer
from app.petitions.listed import Listed, look_up
from app.petitions.opening import OpenedLetter
from app.petitions.scoring import NOTHING, Counts, Evidence, Score, alone, at_least, score
from app.petitions.signals import Key, Seen, count, day_of
from app.supporters.domains import domain_of, is_disposable, is_large

log = structlog.get_logger(__name__)
HASH_BYTES = 8
"""Enough to tell networks and domains apart, and eight bytes less in every row than half of a hash."""
QUARANTINE_EARLIER = "signatures:quarantine_earlier"
_AGAIN_SECONDS = 20.0
_LATELY_SECONDS = 600.0
"""For so long a network that was beyond all bounds is taken for what it was; anew each time it is."""
_DISPOSABLE = b"disposed"
_TAINTED = "domain:tainted"


Pair: TypeAlias = tuple[bytes, bytes]
"""A network and a domain, by hash; no domain stands for all."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a letter's signature is stored with.

    Attributes:
        writes: Whether the address gets mail; blocked ones do not.
    """

    score: Score
    network_hash: bytes | None = field(repr=False)
    domain_hash: bytes | None = field(repr=False)
    writes: bool = True


NEUTRAL = Judgement(Score(0, ()), None, None)
"""Of a letter that nobody has judged."""
NOBODY_JUDGED: Mapping[UUID, Judgement] = {}


def columns_of(judgement: Judgement, received_at: datetime) -> dict[str, object]:
    """What a signature's row holds of it."""
    return {
        "network_hash": judgement.network_hash,
        "domain_hash": judgement.domain_hash,
        "score": judgement.score.points,
        "confirming_releases": judgement.score.is_quarantined and judgement.score.confirming_releases,
        "quarantined_at": received_at if judgement.score.is_quarantined else None,
    }


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a letter comes from; `keys` are the counters that it adds to, but for its domain's."""

    letter: OpenedLetter = field(repr=False)
    network: str
    network_hash: bytes | None
    domain: str
    domain_hash: bytes
    disposable: bool
    keys: dict[str, Key] = field(repr=False)
    domain_key: bytes | None

    def domain_keys(self, *, tainted: bool) -> dict[str, Key]:
        """Its domain's counter; what comes from a network beyond all bounds is counted apart.

        Else a bot could have everybody at somebody else's domain quarantined by signing with its addresses.
        """
        if self.domain_key is None:
            return {}
        return {"domain": (_TAINTED if tainted else "domain", self.domain_key, self.keys["petition"][2])}


@lru_cache(20_000)
def _domain(host: str) -> tuple[str, bool]:
    """The domain that somebody owns, and whether it is one to throw away."""
    return domain_of(f"@{host}"), is_disposable(f"@{host}")


@lru_cache(4_096)
def _is_within(network: str, others: tuple[Network, ...]) -> bool:
    own = ip_network(network)
    return any(own.version == other.version and own.overlaps(other) for other in others)


def _hopeless(tainted: Sequence[_Origin], counts: dict[Key, Counts]) -> dict[Pair, Score]:
    """Network and domain, where both rates together are more than confirming can outweigh."""
    found: dict[Pair, Score] = {}
    for origin in {(o.network_hash, o.domain_hash, o.letter.petition_id): o for o in tainted}.values():
        keys = origin.keys | origin.domain_keys(tainted=True)
        if origin.network_hash is None or "domain" not in keys:
            continue
        network, domain, petition = (counts[keys[kind]] for kind in ("network", "domain", "petition"))
        both = score(Evidence(network=network, domain=domain, petition=petition))
        if not both.confirming_releases:
            found[origin.network_hash, origin.domain_hash] = both
    return found


class Judge:
    """Counts and scores letters.

    Args:
        exempt: Networks whose rate is no sign: this machine's own, in a demo.
    """

    def __init__(self, database: Database, hasher: Hasher, exempt: Sequence[Network] = ()) -> None:
        self._database = database
        self._hasher = hasher
        self._exempt = tuple(exempt)
        self._told: dict[tuple[bytes, bytes, bool], float] = {}
        self._lately: dict[Pair, tuple[Score, float]] = {}

    async def judge(self, letters: Sequence[OpenedLetter]) -> dict[UUID, Judgement]:
        """A judgement for each letter of a batch, which is counted at once and for good."""
        if not letters:
            return {}
        origins = await asyncio.to_thread(lambda: [self._origin(letter) for letter in letters])
        async with self._database.begin() as session:
            listed = await look_up(
                session,
                {o.network for o in origins if o.network},
                {o.domain for o in origins},
                {o.letter.mail_hash for o in origins},
            )
            counts = await count(
                session, [Seen(key, o.letter.received_at) for o in origins for key in o.keys.values()]
            )
            beyond = self._beyond_all_bounds(origins, counts, listed)
            at_home = [(o, o.domain_keys(tainted=(o.network_hash, b"") in beyond)) for o in origins]
            counts |= await count(
                session, [Seen(key, o.letter.received_at) for o, keys in at_home for key in keys.values()]
            )
        tainted = [
            o for o in origins if (o.network_hash, b"") in beyond and not listed.allows("domain", o.domain)
        ]
        floors = beyond | self._with_lately(
            _hopeless(tainted, counts), {(o.network_hash or b"", o.domain_hash) for o in tainted}
        )
        judged = {o.letter.id: self._judge(o, o.keys | keys, counts, listed, floors) for o, keys in at_home}
        try:
            await self._reach_back(floors)
        except Overloaded as error:  # the letters are counted; the network's next one has it done
            log.warning("letters:reach_back:put_off", code=error.code)
        reasons = Counter(r for j in judged.values() if j.score.is_quarantined for r in j.score.reasons)
        if reasons:
            log.info("letters:quarantined", reasons=dict(reasons))
        return judged

    def _origin(self, letter: OpenedLetter) -> _Origin:
        network = network_of(letter.text("network"))
        known = network != UNKNOWN
        received = letter.received_at.astimezone(UTC)
        domain, disposable = _domain(letter.text("email").rpartition("@")[2])
        domain_hash = self._hasher.domain(domain)[:HASH_BYTES]
        network_hash = self._hasher.network(network, received.date())[:HASH_BYTES] if known else None
        day = day_of(received)
        keys: dict[str, Key] = {
            "petition": ("petition", letter.petition_id.to_bytes(HASH_BYTES, "big"), day),
            "address": ("address", letter.mail_hash[:HASH_BYTES], day),
        }
        if network_hash is not None:
            keys["network"] = ("network", network_hash, day)
        # Disposable domains are many and nobody's: they count as one.
        domain_key = _DISPOSABLE if disposable else None if is_large(domain) else domain_hash
        network = network if known else ""
        return _Origin(letter, network, network_hash, domain, domain_hash, disposable, keys, domain_key)

    def _beyond_all_bounds(
        self, origins: Sequence[_Origin], counts: dict[Key, Counts], listed: Listed
    ) -> dict[Pair, Score]:
        """The networks whose rate alone is enough to wait apart, and what it comes to."""
        beyond: dict[Pair, Score] = {}
        present: set[Pair] = set()
        for origin in {(o.network_hash, o.letter.petition_id): o for o in origins}.values():
            if origin.network_hash is None or self._spares(origin, listed):
                continue
            pair = (origin.network_hash, b"")
            present.add(pair)
            by_itself = alone(counts[origin.keys["network"]], counts[origin.keys["petition"]])
            known = beyond.get(pair)
            if by_itself.is_quarantined and (known is None or known.points < by_itself.points):
                beyond[pair] = by_itself
        return self._with_lately(beyond, present)

    def _with_lately(self, found: Mapping[Pair, Score], present: Collection[Pair]) -> dict[Pair, Score]:
        """What was found lately of those who are here holds: windows begin anew, who is behind does not."""
        now = time.monotonic()
        self._lately = {pair: lately for pair, lately in self._lately.items() if lately[1] > now}
        for pair, worst in found.items():
            known = self._lately.get(pair)
            worse = known[0] if known and known[0].points > worst.points else worst
            self._lately[pair] = worse, now + _LATELY_SECONDS
        return {pair: self._lately[pair][0] for pair in present if pair in self._lately}

    def _judge(
        self,
        origin: _Origin,
        keys: dict[str, Key],
        counts: dict[Key, Counts],
        listed: Listed,
        floors: Mapping[Pair, Score],
    ) -> Judgement:
        letter = origin.letter
        by = {kind: counts.get(key, NOTHING) for kind, key in keys.items()}
        seconds = letter.payload.get("form_seconds")
        blocked = listed.blocks(origin.network, origin.domain, letter.mail_hash)
        evidence = Evidence(
            network=NOTHING if self._spares(origin, listed) else by.get("network", NOTHING),
            domain=NOTHING if listed.allows("domain", origin.domain) else by.get("domain", NOTHING),
            petition=by["petition"],
            address=by["address"],
            by_form=letter.text("via") == "form",
            form_seconds=seconds if isinstance(seconds, int) else None,
            trapped=bool(letter.payload.get("trapped")),
            disposable=origin.disposable and not listed.allows("domain", origin.domain),
            worked=bool(letter.payload.get("worked")),
            unworked=bool(letter.payload.get("unworked")),
            blocked=blocked,
            allowed=listed.allows("address", letter.mail_hash),
        )
        found, network = score(evidence), origin.network_hash or b""
        for pair in ((network, b""), (network, origin.domain_hash)):
            if pair in floors:
                found = at_least(found, floors[pair], evidence)
        writes = not listed.blocks("", "", letter.mail_hash)
        return Judgement(found, origin.network_hash, origin.domain_hash, writes)

    def _spares(self, origin: _Origin, listed: Listed) -> bool:
        if not origin.network or listed.allows("network", origin.network):
            return True
        return bool(self._exempt) and _is_within(origin.network, self._exempt)

    async def _reach_back(self, beyond: Mapping[Pair, Score]) -> None:
        """Have those quarantined that a network left before it was known for what it is.

        And once more when it is worse than confirming can outweigh: for those that it left meanwhile. With a
        domain, only those with addresses there.
        """
        now = time.monotonic()
        self._told = {key: at for key, at in self._told.items() if at > now - _AGAIN_SECONDS}
        for (network_hash, domain_hash), by_itself in beyond.items():
            told = network_hash, domain_hash, by_itself.confirming_releases
            if (network_hash, domain_hash, False) in self._told or told in self._told:
                continue
            network, domain, releases = network_hash.hex(), domain_hash.hex(), int(told[2])
            async with self._database.begin() as session:
                await defer(
                    session,
                    QUARANTINE_EARLIER,
                    queueing_lock=f"{QUARANTINE_EARLIER}:{network}:{domain}:{releases}",
                    delay_seconds=2,
                    network=network,
                    domain=domain,
                    points=by_itself.points,
                    releases=releases,
                )
            self._told[told] = now
