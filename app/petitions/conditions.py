"""Which signatures staff mean: by time, origin, placement, score and how the name looks."""

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import translate

from pydantic import JsonValue
from sqlalchemy import ColumnElement, func, select

from app.campaigns.models import Placement
from app.core.networks import network_of
from app.crypto.hashing import Hasher
from app.petitions.judging import HASH_BYTES
from app.petitions.models import Signature
from app.petitions.names import shape_of

LONGEST = timedelta(days=31)
_GRACE = timedelta(hours=1)
"""Ids are made by the public role's clock."""
_LABEL = re.compile(rf"[0-9a-f]{{{2 * HASH_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which signatures of a petition; all that are given must hold.

    Attributes:
        since, until: When they were signed; at most 31 days, the time that networks are known.
        network: An address or a /64, or its hash as staff pages show it; known for 30 days.
        domain: As registered, or its hash: hosts below it are meant too.
        placement: Where the call to action stood.
        pattern: Of the name, with * and ?; every candidate is opened for it.
        shape: How the name looks, as `shape_of` says; every candidate is opened for it.
        score_from, score_below: The points that speak against it.
        quarantined: Only those in quarantine, or only those that are not.
    """

    petition_id: int
    since: datetime
    until: datetime
    network: str | None = field(default=None, repr=False)
    domain: str | None = field(default=None, repr=False)
    placement: str | None = None
    pattern: str | None = field(default=None, repr=False)
    quarantined: bool | None = None
    shape: str | None = None
    score_from: int | None = None
    score_below: int | None = None

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.until - self.since <= LONGEST:
            raise ValueError("the time window is longer than 31 days, or ends before it begins")

    @property
    def opens_names(self) -> bool:
        """Whether each candidate has to be opened, which takes time."""
        return self.pattern is not None or self.shape is not None

    def as_json(self) -> dict[str, JsonValue]:
        """For sealing."""
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}

    def name_matches(self, name: str) -> bool:
        """Whether a name is as the conditions want it."""
        if self.shape is not None and shape_of(name) != self.shape:
            return False
        return self.pattern is None or bool(re.match(translate(self.pattern), name, re.IGNORECASE))


def read_conditions(values: dict[str, JsonValue]) -> Conditions:
    """Conditions as they were sealed."""

    def words(name: str) -> str | None:
        value = values.get(name)
        return value if isinstance(value, str) else None

    def number(name: str) -> int | None:
        value = values.get(name)
        return value if isinstance(value, int) else None

    quarantined = values.get("quarantined")
    return Conditions(
        petition_id=int(str(values["petition_id"])),
        since=datetime.fromisoformat(str(values["since"])),
        until=datetime.fromisoformat(str(values["until"])),
        network=words("network"),
        domain=words("domain"),
        placement=words("placement"),
        pattern=words("pattern"),
        quarantined=quarantined if isinstance(quarantined, bool) else None,
        shape=words("shape"),
        score_from=number("score_from"),
        score_below=number("score_below"),
    )


def is_label(value: str) -> bool:
    """Whether this is a hash as staff pages show it, and no address or domain."""
    return bool(_LABEL.fullmatch(value))


def where(wanted: Conditions, hasher: Hasher) -> list[ColumnElement[bool]]:
    """The conditions that the database can tell; the bounds of the id let it walk the primary key."""
    found: list[ColumnElement[bool]] = [
        Signature.petition_id == wanted.petition_id,
        Signature.id >= func.uuid_at(wanted.since - _GRACE),
        Signature.id < func.uuid_at(wanted.until + _GRACE),
        Signature.signed_at >= wanted.since,
        Signature.signed_at < wanted.until,
    ]
    if wanted.network:
        found.append(Signature.network_hash.in_(_network_hashes(wanted, wanted.network, hasher)))
    if wanted.domain:
        found.append(Signature.domain_hash == _domain_hash(wanted.domain, hasher))
    if wanted.placement:
        placed = select(Placement.id).where(Placement.slug == wanted.placement)
        found.append(Signature.placement_id.in_(placed))
    if wanted.score_from is not None:
        found.append(Signature.score >= wanted.score_from)
    if wanted.score_below is not None:
        found.append(Signature.score < wanted.score_below)
    if wanted.quarantined is not None:
        held = Signature.quarantined_at
        found.append(held.is_not(None) if wanted.quarantined else held.is_(None))
    return found


def _network_hashes(wanted: Conditions, network: str, hasher: Hasher) -> list[bytes]:
    if is_label(network):
        return [bytes.fromhex(network)]
    first, last = wanted.since.astimezone(UTC).date(), wanted.until.astimezone(UTC).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [hasher.network(network_of(network), day)[:HASH_BYTES] for day in days]


def _domain_hash(domain: str, hasher: Hasher) -> bytes:
    return bytes.fromhex(domain) if is_label(domain) else hasher.domain(domain)[:HASH_BYTES]
