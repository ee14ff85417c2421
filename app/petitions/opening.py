"""Open letters: what needs keys and much arithmetic, done in a thread, away from the event loop."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias, cast
from uuid import UUID

from pydantic import JsonValue

from app.campaigns.models import Campaign
from app.crypto.errors import CannotOpen
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener
from app.supporters.answering import AnswerSet
from app.supporters.identity import fold_email, fold_name, fold_place
from app.supporters.regions import region_of


class TakenLetter(NamedTuple):
    """A letter out of the letterbox, sealed as it came."""

    id: UUID
    petition_id: int
    kind: str
    sealed: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A letter in clear, in memory only, with the hashes it is compared by. A repr shows nothing personal."""

    id: UUID
    petition_id: int
    campaign_id: int
    received_at: datetime
    payload: dict[str, JsonValue] = field(repr=False)
    supporter_id: UUID = field(repr=False)
    mail_hash: bytes = field(repr=False)
    name_hash: bytes = field(repr=False)
    place_hash: bytes | None = field(repr=False)
    region: str | None
    publisher: str

    def text(self, key: str) -> str:
        """A field that is text; empty where it is not there."""
        value = self.payload.get(key)
        return value if isinstance(value, str) else ""

    @property
    def answers(self) -> AnswerSet:
        """What was answered to the wordings."""
        pairs = cast("list[list[int]]", self.payload.get("consents") or [])
        answered = {wording_id: bool(given) for wording_id, given in pairs}
        return AnswerSet(self.text("via"), tuple(sorted(answered.items())))


@dataclass(frozen=True, slots=True)
class UnreadableLetter:
    """A letter that cannot be opened or holds what it should not; kept apart, sealed as it is."""

    id: UUID
    reason: str


Opened: TypeAlias = OpenedLetter | UnreadableLetter


class LetterOpener:
    """Opens, folds and hashes."""

    def __init__(self, opener: Opener, hasher: Hasher) -> None:
        self._opener = opener
        self._hasher = hasher

    async def open(self, letters: Sequence[TakenLetter], campaigns: dict[int, Campaign]) -> list[Opened]:
        """Open a batch in a thread; `campaigns` maps petitions to their campaigns."""
        return await asyncio.to_thread(lambda: [self._open(x, campaigns[x.petition_id]) for x in letters])

    def _open(self, letter: TakenLetter, campaign: Campaign) -> Opened:
        try:
            payload = self._opener.open(letter.sealed, letter.id)
            folded = fold_email(str(payload["email"])).folded
            country, postcode = str(payload["country"]), str(payload.get("postcode") or "")
            name = str(payload["name"])
        except (CannotOpen, KeyError, ValueError) as error:
            return UnreadableLetter(letter.id, type(error).__name__)
        place = fold_place(country, postcode) if postcode else None
        return OpenedLetter(
            id=letter.id,
            petition_id=letter.petition_id,
            campaign_id=campaign.id,
            received_at=letter.received_at,
            payload=payload,
            supporter_id=self._hasher.supporter(campaign.id, folded),
            mail_hash=self._hasher.suppression(folded),
            name_hash=self._hasher.name(campaign.id, fold_name(name)),
            place_hash=self._hasher.place(campaign.id, place) if place else None,
            region=region_of(country, postcode or None),
            publisher=campaign.publisher,
        )
