"""Make invented people into what rows hold: hashes, sealed details, own copies; arithmetic, no database.

It runs in processes of its own where there is much of it, so everything here can be pickled.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from random import Random
from uuid import UUID

from pydantic import JsonValue

from app.cli.demo.giving import Gift, draw_gift
from app.cli.demo.people import Population, Signer
from app.cli.demo.reading import demo_people
from app.cli.demo.timing import Timeline
from app.core.tokens import hash_token, link_hash
from app.crypto import details, own_copy
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer
from app.supporters.identity import fold_name, fold_place

# UUIDs of version 8, whose bits are free (RFC 9562 §5.8): de30 says demo, then signature or donation, then
# the petition or appeal, then the index. Whoever looks at a row sees what it is, and they sort by index.
_SIGNATURE, _DONATION = 0xDE30_DE30_0001, 0xDE30_DE30_0002
_PARENT_BITS = 12
MOST = 1 << 48
"""More than anybody will ask for: indexes have 48 bits."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process needs in order to make people.

    Attributes:
        started_at: When the rush began.
        now: Nothing happens after it.
        placements: Weight by slug.
    """

    campaign_id: int
    petition_id: int
    appeal_id: int
    placements: dict[str, int]
    hasher: Hasher
    sealer: Sealer
    started_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Donated:
    """A gift with what its row holds."""

    id: UUID
    gift: Gift
    token_hash: bytes
    details_sealed: bytes
    own_copy: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A signer with what the row holds; hashes and copies are None where the person is gone."""

    id: UUID
    signer: Signer
    supporter_id: UUID | None
    name_hash: bytes | None
    place_hash: bytes | None
    details_sealed: bytes | None
    own_copy: bytes | None
    link_hash: bytes
    donated: Donated | None


def signature_id(petition_id: int, index: int) -> UUID:
    """The id of an invented signature."""
    return _marked(_SIGNATURE, petition_id, index)


def donation_id(appeal_id: int, index: int) -> UUID:
    """The id of an invented donation; the index is its signer's."""
    return _marked(_DONATION, appeal_id, index)


def index_of(marked: UUID) -> int:
    """The index that such an id holds."""
    return marked.int & (MOST - 1)


def _marked(kind: int, parent: int, index: int) -> UUID:
    if not (0 <= index < MOST and 0 <= parent < 1 << _PARENT_BITS):
        raise ValueError("No id is free for this")
    return UUID(int=kind << 80 | 0x8 << 76 | parent << 64 | 0b10 << 62 | index)


# There are some ten thousand names in all.
_folded_name = lru_cache(maxsize=16_384)(fold_name)


class Maker:
    """Draws and makes people by their index."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        timeline = Timeline(plan.started_at, plan.now)
        self._population = Population(demo_people(), plan.placements, timeline, plan.now)

    def make(self, first: int, count: int) -> list[Made]:
        """The people of a run of indexes; drawn at random, the same for the same run of the same plan."""
        random = Random(f"haven demo {first}")  # noqa: S311 - invents people, keeps no secret
        return [self._made(random, self._population.draw(random, first + k)) for k in range(count)]

    def _made(self, random: Random, signer: Signer) -> Made:
        plan, hasher = self._plan, self._plan.hasher
        row_id = signature_id(plan.petition_id, signer.index)
        token = hasher.link_token(row_id, 1)
        gift = draw_gift(random, signer, plan.now)
        gone = signer.ended_at is not None
        personal = {
            "name": signer.name,
            "email": signer.email,
            "postcode": signer.postcode or "",
            "country": signer.country,
        }
        key = details.key_of(token)
        place = fold_place(signer.country, signer.postcode) if signer.postcode else None
        return Made(
            id=row_id,
            signer=signer,
            supporter_id=None if gone else hasher.supporter(plan.campaign_id, signer.email),
            name_hash=None if gone else hasher.name(plan.campaign_id, _folded_name(signer.name)),
            place_hash=None if gone or place is None else hasher.place(plan.campaign_id, place),
            details_sealed=None if gone else plan.sealer.seal_key(key, row_id),
            own_copy=None if gone else details.encrypt(key, personal),
            link_hash=link_hash(token),
            donated=self._donated(signer, gift) if gift else None,
        )

    def _donated(self, signer: Signer, gift: Gift) -> Donated:
        row_id = donation_id(self._plan.appeal_id, signer.index)
        token = self._plan.hasher.link_token(row_id, 1)
        giver: dict[str, JsonValue] = {"name": signer.name, "email": signer.email}
        answers: dict[str, JsonValue] = {
            "amount_minor": gift.amount_minor,
            "currency": gift.currency,
            "locale": signer.locale,
        }
        return Donated(
            id=row_id,
            gift=gift,
            token_hash=hash_token(token),
            details_sealed=self._plan.sealer.seal(giver, row_id),
            own_copy=own_copy.encrypt(token, {**giver, **answers}),
        )
