"""Resolve letters: everything that needs knowledge about people happens here, in the worker, in batches.

A batch is one transaction: claim, open, find the people, decide, write signatures, tallies and
mail rows, delete the letters. Letters that sign and letters that change go in transactions of their own: one
locks people before signatures and figures, the other signatures alone, and together they could wait in a
circle with somebody who confirms. A batch that breaks is resolved letter by letter; one that cannot be
resolved alone is kept apart, sealed, and hinders nobody.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.db import Database
from app.core.errors import Overloaded
from app.petitions.changing import CHANGE, Changer
from app.petitions.judging import Judge
from app.petitions.models import Letter, Petition, RejectedLetter
from app.petitions.opening import LetterOpener, OpenedLetter, UnreadableLetter
from app.petitions.recording import Recorder

log = structlog.get_logger(__name__)
_DELETE = text("delete from intake where id = any (cast(:ids as uuid[]))")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns letters into signatures."""

    database: Database
    opener: LetterOpener
    recorder: Recorder
    changer: Changer
    judge: Judge
    batch: int = 500

    async def run(self) -> int:
        """Resolve one batch of each kind; returns how many letters it took (0: the letterbox is empty).

        Raises:
            Overloaded: The database is away or full; the letters stay where they are.
        """
        return await self._run(Letter.kind != CHANGE) + await self._run(Letter.kind == CHANGE)

    async def _run(self, which: ColumnElement[bool]) -> int:
        claimed: list[UUID] = []
        try:
            async with self.database.begin() as session:
                letters = await _claim(session, which, self.batch)
                claimed = [letter.id for letter in letters]
                await self._resolve(session, letters)
        except Overloaded:
            raise
        except Exception:
            if not claimed:
                raise
            log.warning("letters:batch:broken", letters=len(claimed), exc_info=True)
            await self._one_by_one(claimed)
        return len(claimed)

    async def _one_by_one(self, ids: Sequence[UUID]) -> None:
        for letter_id in ids:
            try:
                async with self.database.begin() as session:
                    await self._resolve(session, await _claim_one(session, letter_id))
            except Overloaded:
                raise
            except Exception as error:
                log.exception("letters:letter:rejected", letter=str(letter_id))
                async with self.database.begin() as session:
                    await _reject(session, await _claim_one(session, letter_id), type(error).__name__)

    async def _resolve(self, session: AsyncSession, letters: Sequence[Letter]) -> None:
        if not letters:
            return
        by_id = {letter.id: letter for letter in letters}
        campaigns = await _campaigns(session, {letter.petition_id for letter in letters})
        changes = [letter for letter in letters if letter.kind == CHANGE]
        opened = await self.opener.open([x for x in letters if x.kind != CHANGE], campaigns)
        for unreadable in (o for o in opened if isinstance(o, UnreadableLetter)):
            await _reject(session, [by_id[unreadable.id]], unreadable.reason)
        readable = [o for o in opened if isinstance(o, OpenedLetter)]
        await self.recorder.record(session, readable, await self.judge.judge(readable))
        for letter, reason in await self.changer.apply(session, changes):
            await _reject(session, [letter], reason)
        await session.execute(_DELETE, {"ids": list(by_id)})


async def _campaigns(session: AsyncSession, petitions: Collection[int]) -> dict[int, Campaign]:
    query = (
        select(Petition.id, Campaign)
        .join(Campaign, Campaign.id == Petition.campaign_id)
        .where(Petition.id.in_(petitions))
    )
    return dict((await session.execute(query)).all())


async def _claim(session: AsyncSession, which: ColumnElement[bool], most: int) -> list[Letter]:
    query = select(Letter).where(which).order_by(Letter.id).limit(most).with_for_update(skip_locked=True)
    return list(await session.scalars(query))


async def _claim_one(session: AsyncSession, letter_id: UUID) -> list[Letter]:
    query = select(Letter).where(Letter.id == letter_id).with_for_update(skip_locked=True)
    return list(await session.scalars(query))


async def _reject(session: AsyncSession, letters: Sequence[Letter], reason: str) -> None:
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
        await session.execute(delete(Letter).where(Letter.id == letter.id))
