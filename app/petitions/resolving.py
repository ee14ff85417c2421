"""Resolve letters: everything that needs knowledge about people happens here, in the worker, in batches.

A batch is one transaction: take the letters out, open, find the people, decide, write signatures, tallies
and mail rows. Letters that sign and letters that change go in transactions of their own: one
locks addresses before signatures and figures, the other signatures alone, and together they could wait in a
circle with somebody who confirms. A batch that breaks is halved until the letter that breaks it stands
alone; that one is kept apart, sealed, and hinders nobody. Each letter is judged, and so counted, once.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import LiteralString
from uuid import UUID

import structlog
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.db import Database, run_binary
from app.core.errors import Overloaded
from app.petitions.changing import CHANGE, Changer
from app.petitions.judging import Judge, Judgement
from app.petitions.models import Petition, RejectedLetter
from app.petitions.opening import LetterOpener, OpenedLetter, TakenLetter, UnreadableLetter
from app.petitions.recording import Recorder

log = structlog.get_logger(__name__)
# Taken out as they are claimed: whatever goes wrong puts them back. By their place in the table, which rows
# that are never updated and locked by us do not leave; so no statistics can make it read the table through.
_TAKE_SIGNATURES: LiteralString = """
    delete from intake where ctid = any (array(
        select ctid from intake where kind <> 'change' order by id limit %(most)b for update skip locked))
    returning id, petition_id, kind, sealed, received_at
"""
_TAKE_CHANGES: LiteralString = """
    delete from intake where ctid = any (array(
        select ctid from intake where kind = 'change' order by id limit %(most)b for update skip locked))
    returning id, petition_id, kind, sealed, received_at
"""
_TAKE_THESE: LiteralString = """
    delete from intake where id in (
        select id from intake where id = any (%(ids)b::uuid[]) order by id for update skip locked)
    returning id, petition_id, kind, sealed, received_at
"""
_CHANGES_SECONDS = 0.5
"""How long changes wait in a rush, at the most."""
_MOST_PUT_BACK = 10
"""Batches whose judgements are remembered."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns letters into signatures."""

    database: Database
    opener: LetterOpener
    recorder: Recorder
    changer: Changer
    judge: Judge
    batch: int = 1_000
    _looked_at: list[float] = field(default_factory=lambda: [0.0])
    # Of letters in hand, and of those that went back into the letterbox: judged once, they are counted.
    _judged: dict[UUID, Judgement] = field(default_factory=dict)

    async def run(self) -> int:
        """Resolve one batch of each kind; returns how many letters it took (0: the letterbox is empty).

        Raises:
            Overloaded: The database is away or full; the letters stay where they are.
        """
        signed = await self._run(changes=False)
        now = time.monotonic()
        if signed >= self.batch and now - self._looked_at[0] < _CHANGES_SECONDS:
            return signed
        self._looked_at[0] = now
        return signed + await self._run(changes=True)

    async def _run(self, *, changes: bool) -> int:
        claimed: list[UUID] = []
        if len(self._judged) > _MOST_PUT_BACK * self.batch:  # others have resolved what came back from here
            self._judged.clear()
        try:
            async with self.database.begin() as session:
                statement = _TAKE_CHANGES if changes else _TAKE_SIGNATURES
                letters = await _take(session, statement, {"most": self.batch})
                claimed = [letter.id for letter in letters]
                await self._resolve(session, letters)
        except Overloaded:
            raise
        except Exception:
            if not claimed:
                raise
            log.warning("letters:batch:broken", letters=len(claimed), exc_info=True)
            await self._in_halves(claimed)
        for letter_id in claimed:
            self._judged.pop(letter_id, None)
        return len(claimed)

    async def _in_halves(self, ids: Sequence[UUID]) -> None:
        """Resolve what broke together in two parts, and so on, until those that break it stand alone."""
        middle = (len(ids) + 1) // 2
        for part in filter(None, (ids[:middle], ids[middle:])):
            try:
                async with self.database.begin() as session:
                    letters = await _take(session, _TAKE_THESE, {"ids": list(part)})
                    await self._resolve(session, letters)
            except Overloaded:
                raise
            except Exception as error:
                if len(part) > 1:
                    await self._in_halves(part)
                    continue
                log.exception("letters:letter:rejected", letter=str(part[0]))
                async with self.database.begin() as session:
                    letters = await _take(session, _TAKE_THESE, {"ids": list(part)})
                    await _reject(session, letters, type(error).__name__)

    async def _resolve(self, session: AsyncSession, letters: Sequence[TakenLetter]) -> None:
        """Write what letters come to."""
        if not letters:
            return
        by_id = {letter.id: letter for letter in letters}
        campaigns = await _campaigns(session, {letter.petition_id for letter in letters})
        changes = [letter for letter in letters if letter.kind == CHANGE]
        opened = await self.opener.open([x for x in letters if x.kind != CHANGE], campaigns)
        for unreadable in (o for o in opened if isinstance(o, UnreadableLetter)):
            await _reject(session, [by_id[unreadable.id]], unreadable.reason)
        readable = [o for o in opened if isinstance(o, OpenedLetter)]
        self._judged.update(await self.judge.judge([o for o in readable if o.id not in self._judged]))
        await self.recorder.record(session, readable, self._judged)
        for letter, reason in await self.changer.apply(session, changes):
            await _reject(session, [letter], reason)


async def _campaigns(session: AsyncSession, petitions: Collection[int]) -> dict[int, Campaign]:
    query = (
        select(Petition.id, Campaign)
        .join(Campaign, Campaign.id == Petition.campaign_id)
        .where(Petition.id.in_(petitions))
    )
    return dict((await session.execute(query)).all())


async def _take(
    session: AsyncSession, statement: LiteralString, values: Mapping[str, object]
) -> list[TakenLetter]:
    """Take letters out, the oldest first; they are back when the session's transaction is not committed."""
    rows = await run_binary(session, statement, values)
    return sorted((TakenLetter(*row) for row in rows), key=attrgetter("id"))


async def _reject(session: AsyncSession, letters: Sequence[TakenLetter], reason: str) -> None:
    """Keep letters that cannot be resolved, as sealed as they came, for staff to look into."""
    for letter in letters:
        await session.execute(
            insert(RejectedLetter).values(
                id=letter.id,
                petition_id=letter.petition_id,
                kind=letter.kind,
                sealed=letter.sealed,
                received_at=letter.received_at,
                error=reason,
            )
        )
