"""Who is this? New, the second person at a mailbox, somebody who signed before, or one too many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MOST_PEOPLE = 2
PATIENCE = timedelta(hours=1)
"""How long an unconfirmed person keeps somebody else from a place at the mailbox."""


class Decision(StrEnum):
    """What becomes of a letter."""

    NEW = "new"
    DUPLICATE = "duplicate"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Person:
    """A live signature of one supporter on one petition.

    Attributes:
        place_hash: Of country and postcode; None without a postcode.
    """

    signature_id: UUID
    number: int
    state: str
    link_version: int
    signed_at: datetime
    expires_at: datetime
    name_hash: bytes
    country: str
    place_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, with the number of a new person or the signature that stands already."""

    decision: Decision
    number: int = 0
    standing: Person | None = None


def decide(people: Sequence[Person], name_hash: bytes, country: str, place_hash: bytes | None) -> Verdict:
    """Judge a letter by those who signed from the same mailbox.

    The same name is a duplicate. Another name in the same place is a second person: couples and families
    share mailboxes. A third, or another name elsewhere, is one too many; see `idle` for who gives way.
    """
    for person in people:
        if person.name_hash == name_hash:
            return Verdict(Decision.DUPLICATE, standing=person)
    if not people:
        return Verdict(Decision.NEW, number=1)
    if len(people) >= MOST_PEOPLE or not _same_place(people[0], country, place_hash):
        return Verdict(Decision.FULL, standing=people[0])
    taken = {person.number for person in people}
    return Verdict(Decision.NEW, number=min({1, 2} - taken))


def idle(people: Sequence[Person], now: datetime) -> list[Person]:
    """Those who give way to a newcomer: not confirmed within the hour.

    Otherwise two invented names could keep a mailbox's owner out for as long as a signature may wait.
    """
    return [person for person in people if person.state == "pending" and person.signed_at <= now - PATIENCE]


def _same_place(person: Person, country: str, place_hash: bytes | None) -> bool:
    return person.country == country or (place_hash is not None and person.place_hash == place_hash)
