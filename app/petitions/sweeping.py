"""Staff decide in bulk: invalidate signatures by conditions, release them from quarantine, undo.

First the conditions are tried: how many match, and a sample. Then a job walks through them in batches, each
one transaction with its progress; counter and tallies follow exactly. Conditions may hold a name, so they are
stored sealed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.core.db import Database
from app.core.ids import new_id
from app.crypto.details import read_name
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.jobs.deferring import defer
from app.jobs.running import Job
from app.petitions.abuse_models import Sweep
from app.petitions.conditions import Conditions, read_conditions, where
from app.petitions.errors import SweepUnknown
from app.petitions.models import Signature

INVALIDATE, RELEASE = "invalidate", "release"
REASONS = ("bot", "stolen_identity", "duplicate", "false_name", "legal", "mistake")
"""Why; the code is public with the figures."""
RUN, UNDO = "sweeps:run", "sweeps:undo"
LOOKED_AT = 20_000
"""The most names that a trial opens: some two seconds. The sweep itself opens all."""
_BATCH = 500
_SAMPLE = 20
_CANDIDATE = (
    Signature.id,
    Signature.details_sealed,
    Signature.own_copy,
    Signature.signed_at,
    Signature.state,
    Signature.quarantined_at,
    Signature.score,
)
_Found: TypeAlias = Row[UUID, bytes | None, bytes | None, datetime, str, datetime | None, int]
_COUNTS = (Signature.state == "confirmed") & Signature.quarantined_at.is_(None)
FORGET_CONDITIONS = text("""
    update sweeps set conditions_sealed = null
     where conditions_sealed is not null and started_at < now() - cast(:kept as interval)
""")
"""Undoing needs only the sweep's id."""
_APPLY = {
    INVALIDATE: text("select invalidate_signatures(cast(:ids as uuid[]), :sweep)"),
    RELEASE: text("select release_signatures(cast(:ids as uuid[]))"),
    UNDO: text("select restore_signatures(cast(:ids as uuid[]), :sweep)"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One signature that matches, as staff see it before they decide."""

    id: UUID
    name: str = field(repr=False)
    signed_at: datetime
    state: str
    score: int
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """How many match, how many of them count now, and some of them.

    Attributes:
        is_partial: Only the first `LOOKED_AT` candidates were looked at; there may be more.
    """

    matching: int
    counting: int
    sample: tuple[Sample, ...]
    is_partial: bool = False


class Sweeper:
    """Tries conditions, and sweeps."""

    def __init__(self, database: Database, sealer: Sealer, opener: Opener, hasher: Hasher) -> None:
        self._database, self._sealer, self._opener, self._hasher = database, sealer, opener, hasher

    def jobs(self) -> list[Job]:
        """What the worker runs."""
        return [Job(RUN, self.run), Job(UNDO, self.undo)]

    async def try_out(self, session: AsyncSession, wanted: Conditions, action: str | None = None) -> Trial:
        """Look without touching: matches are counted, a few are shown.

        The database counts; where names are to be opened, so many candidates are looked at and no more.
        """
        if not wanted.opens_names:
            query = select(func.count(), func.count().filter(_COUNTS)).where(*self._where(wanted, action))
            matching, counting = (await session.execute(query)).one()
            shown = await self._next(session, wanted, action, None, _SAMPLE)
            return Trial(matching, counting, tuple(self._sample(each, self._name(each)) for each in shown))
        matching = counting = looked = 0
        sample: list[Sample] = []
        after: UUID | None = None
        while looked < LOOKED_AT and (batch := await self._next(session, wanted, action, after)):
            after = batch[-1].id
            looked += len(batch)
            for each, name in await self._matching(batch, wanted):
                matching += 1
                counting += each.state == "confirmed" and each.quarantined_at is None
                if len(sample) < _SAMPLE:
                    sample.append(self._sample(each, name))
        return Trial(matching, counting, tuple(sample), is_partial=looked >= LOOKED_AT)

    @staticmethod
    def _sample(each: _Found, name: str) -> Sample:
        return Sample(
            each.id,
            name,
            each.signed_at,
            each.state,
            each.score,
            is_quarantined=each.quarantined_at is not None,
        )

    def conditions_of(self, sweep: Sweep) -> Conditions | None:
        """What was looked for; None once it is forgotten."""
        if sweep.conditions_sealed is None:
            return None
        return read_conditions(self._opener.open(sweep.conditions_sealed, sweep.id))

    async def start(
        self,
        session: AsyncSession,
        action: str,
        wanted: Conditions,
        *,
        reason: str,
        actor: str,
        expected: int,
        sweep_id: UUID | None = None,
    ) -> UUID:
        """Write a sweep down and queue its job, in the session's transaction.

        `expected` is what a trial found; the job takes what matches when it comes by. A form that is sent
        twice names the same `sweep_id`, and the second changes nothing.
        """
        if action not in (INVALIDATE, RELEASE) or reason not in REASONS:
            raise ValueError("no such action or reason")
        sweep_id = sweep_id or new_id()
        values = {
            "id": sweep_id,
            "petition_id": wanted.petition_id,
            "action": action,
            "reason": reason,
            "actor": actor,
            "conditions_sealed": self._sealer.seal(wanted.as_json(), sweep_id),
            "expected": expected,
        }
        statement = insert(Sweep).values(values).on_conflict_do_nothing().returning(Sweep.id)
        if await session.scalar(statement) is None:
            return sweep_id
        subject = f"sweep:{sweep_id}"
        await record(
            session,
            actor,
            f"signatures:{action}:started",
            subject,
            {"reason": reason, "expected": str(expected)},
        )
        await defer(session, RUN, queueing_lock=f"{RUN}:{sweep_id}", sweep=str(sweep_id))
        return sweep_id

    async def start_undo(self, session: AsyncSession, sweep_id: UUID, *, actor: str) -> None:
        """Queue the undoing of an invalidation. Raises SweepUnknown."""
        sweep = await session.get(Sweep, sweep_id, with_for_update=True)
        if sweep is None or sweep.action != INVALIDATE:
            raise SweepUnknown
        await session.execute(update(Sweep).where(Sweep.id == sweep_id).values(undo_at=func.now()))
        await record(session, actor, "signatures:invalidate:undone", f"sweep:{sweep_id}")
        await defer(session, UNDO, queueing_lock=f"{UNDO}:{sweep_id}", sweep=str(sweep_id))

    async def run(self, sweep: str) -> None:
        """Walk through the matches from where it stands; ends early when it is undone meanwhile."""
        while await self._step(UUID(sweep)):
            pass

    async def undo(self, sweep: str) -> None:
        """Restore all that a sweep invalidated: state, counter and tallies are as if it had not been."""
        sweep_id = UUID(sweep)
        query = (
            select(Signature.id).where(Signature.sweep_id == sweep_id).order_by(Signature.id).limit(_BATCH)
        )
        while True:
            async with self._database.begin() as session:
                ids = list(await session.scalars(query))
                if ids:
                    restored = int(await session.scalar(_APPLY[UNDO], {"ids": ids, "sweep": sweep_id}) or 0)
                    left = {"done": Sweep.done - restored}
                    await session.execute(update(Sweep).where(Sweep.id == sweep_id).values(left))
                    continue
                done = {"undone_at": func.now(), "done": 0}
                await session.execute(update(Sweep).where(Sweep.id == sweep_id).values(done))
                return

    async def _step(self, sweep_id: UUID) -> bool:
        async with self._database.begin() as session:
            sweep = await session.get(Sweep, sweep_id, with_for_update=True)
            if sweep is None or sweep.finished_at is not None or sweep.undo_at is not None:
                return False
            wanted = self.conditions_of(sweep)
            batch = await self._next(session, wanted, sweep.action, sweep.reached_id) if wanted else []
            ids = [each.id for each, _ in await self._matching(batch, wanted)] if wanted else []
            changed = 0
            if ids:
                values = {"ids": ids} | ({"sweep": sweep_id} if sweep.action == INVALIDATE else {})
                changed = int(await session.scalar(_APPLY[sweep.action], values) or 0)
            progress = {"done": Sweep.done + changed} | (
                {"reached_id": batch[-1].id} if batch else {"finished_at": func.now()}
            )
            await session.execute(update(Sweep).where(Sweep.id == sweep_id).values(progress))
            return bool(batch)

    async def _next(
        self,
        session: AsyncSession,
        wanted: Conditions,
        action: str | None,
        after: UUID | None,
        most: int | None = None,
    ) -> Sequence[_Found]:
        """The next candidates; the database has held them against all conditions but those of the name."""
        found = [*self._where(wanted, action), *([Signature.id > after] if after is not None else [])]
        query = select(*_CANDIDATE).where(*found).order_by(Signature.id).limit(most or _BATCH)
        return (await session.execute(query)).all()

    def _where(self, wanted: Conditions, action: str | None) -> list[ColumnElement[bool]]:
        found = [
            *where(wanted, self._hasher),
            Signature.state.in_(("pending", "confirmed")),
            Signature.invalidated_at.is_(None),
        ]
        if action == RELEASE:
            found.append(Signature.quarantined_at.is_not(None))
        return found

    async def _matching(self, batch: Sequence[_Found], wanted: Conditions) -> list[tuple[_Found, str]]:
        """Those whose name is as wanted, with it; opened in a thread, for others wait on this loop."""

        def look() -> list[tuple[_Found, str]]:
            named = [(each, self._name(each)) for each in batch]
            return [(each, name) for each, name in named if wanted.name_matches(name)]

        if not wanted.opens_names:
            return [(each, "") for each in batch]
        return await asyncio.to_thread(look)

    def _name(self, candidate: _Found) -> str:
        return read_name(self._opener, candidate.details_sealed, candidate.own_copy, candidate.id)
