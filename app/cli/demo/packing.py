"""Pack invented people into what COPY takes in binary, with the figures that belong to them.

The processes that make people do this as well: whoever writes then passes bytes on and looks into none.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from app.cli.demo.making import Made
from app.petitions.tallying import marginals

# PostgreSQL's documentation, "COPY", section "Binary Format": signature, flags, length of an extension.
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_length = struct.Struct("!i").pack
_integer = struct.Struct("!ii").pack
_small = struct.Struct("!ih").pack
_moment = struct.Struct("!iq").pack

SIGNATURE_COLUMNS = (
    "id, petition_id, supporter_id, text_version_id, state, country, region, placement_id, locale, "
    "name_hash, place_hash, key_version, details_sealed, own_copy, link_hash, "
    "signed_at, expires_at, confirmed_at, ended_at, answers_id"
)
SHOWN_COLUMNS = "signature_id, petition_id, name, comment, comment_approved_at, published_at"
_SIGNATURE = struct.pack("!h", 1 + SIGNATURE_COLUMNS.count(","))
_SHOWN = struct.pack("!h", 1 + SHOWN_COLUMNS.count(","))

T = TypeVar("T")
TallyKey: TypeAlias = tuple[str, str, datetime]
"""Dimension, value, hour."""


@dataclass(frozen=True, slots=True)
class Known:
    """The ids that rows refer to.

    Attributes:
        placements: By slug.
        answers: Of the sets of answers, by how they came and whether news are wanted.
    """

    petition_id: int
    text_version_id: int
    key_version: int
    placements: Mapping[str, int]
    answers: Mapping[tuple[str, bool], int]


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch, ready to be written.

    Attributes:
        signatures: Whole input of a COPY, and so is `shown`.
        donors: Those who gave something: donations are few, and are booked one by one.
        tallies: Signed, confirmed, withdrawn, lapsed.
    """

    people: int
    confirmed: int
    signatures: bytes
    shown: bytes
    donors: list[Made]
    tallies: dict[TallyKey, list[int]]


def pack(people: Sequence[Made], known: Known) -> Packed:
    """Rows and figures of a batch."""
    return Packed(
        people=len(people),
        confirmed=sum(made.signer.state == "confirmed" for made in people),
        signatures=b"".join((HEAD, *(_signature(made, known) for made in people), TAIL)),
        shown=b"".join((HEAD, *(_shown(made, known) for made in people if made.signer.showing), TAIL)),
        donors=[made for made in people if made.donated is not None],
        tallies=tally(people, known.petition_id),
    )


def tally(people: Iterable[Made], petition_id: int) -> dict[TallyKey, list[int]]:
    """Signed, confirmed, withdrawn and lapsed by dimension, value and the hour in which each happened."""
    # First by all dimensions at once: most hours of most places have several people.
    events: dict[tuple[str, str | None, str | None, str], dict[datetime, list[int]]] = {}
    for made in people:
        signer = made.signer
        hours = events.setdefault((signer.country, signer.region, signer.placement, signer.locale), {})
        ended = {"withdrawn": 2, "lapsed": 3}.get(signer.state)
        for event, at in ((0, signer.signed_at), (1, signer.confirmed_at), (ended, signer.ended_at)):
            if at is not None and event is not None:
                hour = at.replace(minute=0, second=0, microsecond=0)
                hours.setdefault(hour, [0, 0, 0, 0])[event] += 1
    counted: dict[TallyKey, list[int]] = {}
    for (country, region, placement, locale), hours in events.items():
        for marginal in marginals(
            petition_id, country=country, region=region, placement=placement, locale=locale
        ):
            for hour, numbers in hours.items():
                sums = counted.setdefault((marginal.dimension, marginal.value, hour), [0, 0, 0, 0])
                for event, number in enumerate(numbers):
                    sums[event] += number
    return counted


def _signature(made: Made, known: Known) -> bytes:
    signer = made.signer
    placement = known.placements.get(signer.placement or "")
    return b"".join(
        (
            *(_SIGNATURE, _uuid(made.id), _integer(4, known.petition_id)),
            *(_maybe(_uuid, made.supporter_id), _integer(4, known.text_version_id)),
            *(_text(signer.state), _text(signer.country), _maybe(_text, signer.region)),
            _NULL if placement is None else _integer(4, placement),
            *(_text(signer.locale), _maybe(_bytes, made.name_hash), _maybe(_bytes, made.place_hash)),
            *(_small(2, known.key_version), _maybe(_bytes, made.details_sealed)),
            *(_maybe(_bytes, made.own_copy), _bytes(made.link_hash)),
            *(_at(signer.signed_at), _at(signer.expires_at)),
            *(_maybe(_at, signer.confirmed_at), _maybe(_at, signer.ended_at)),
            _integer(4, known.answers[signer.via, signer.wants_news]),
        )
    )


def _shown(made: Made, known: Known) -> bytes:
    signer, showing = made.signer, made.signer.showing
    assert showing is not None
    approved_at = signer.confirmed_at if showing.comment and showing.approved else None
    return b"".join(
        (
            *(_SHOWN, _uuid(made.id), _integer(4, known.petition_id)),
            *(_text(showing.name), _maybe(_text, showing.comment)),
            *(_maybe(_at, approved_at), _maybe(_at, signer.confirmed_at)),
        )
    )


def _bytes(value: bytes) -> bytes:
    return _length(len(value)) + value


def _uuid(value: UUID) -> bytes:
    return _length(16) + value.bytes


def _text(value: str) -> bytes:
    return _bytes(value.encode())


def _at(value: datetime) -> bytes:
    """Microseconds since 2000, as PostgreSQL counts them."""
    since = value - _EPOCH
    return _moment(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _maybe(packed: Callable[[T], bytes], value: T | None) -> bytes:
    return _NULL if value is None else packed(value)
