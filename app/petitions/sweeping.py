"""Staff decide in bulk: invalidate signatures by conditions, release them from quarantine, undo.

First the conditions are tried: how many match, and a sample. Then a job walks through them in batches, each
one transaction with its progress; counter and tallies follow exactly. Conditions may hold a name, so they are
stored sealed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.campaigns.models import Placement
from app.core.db import Database
from app.core.ids import new_id
from app.core.networks import network_of
from app.crypto.details import open_sealed
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.jobs.deferring import defer
from app.jobs.running import Job
from app.petitions.errors import SweepUnknown
from app.petitions.judging import HASH_BYTES
from app.petitions.models import Signature, Sweep

INVALIDATE, RELEASE = "invalidate", "release"
REASONS = ("bot", "stolen_identity", "duplicate", "false_name", "legal", "mistake")
"""Why; the code is public with the figures."""
RUN, UNDO = "sweeps:run", "sweeps:undo"
_BATCH = 500
_SAMPLE = 20
_LONGEST = timedelta(days=31)
_APPLY = {
    INVALIDATE: text("select invalidate_signatures(cast(:ids as uuid[]), :sweep)"),
    RELEASE: text("select release_signatures(cast(:ids as uuid[]))"),
    UNDO: text("select restore_signatures(cast(:ids as uuid[]), :sweep)"),
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which signatures of a petition; all that are given must hold.

    Attributes:
        since, until: When they were signed; at most 31 days, the time that networks are known.
        network: An address or a /64; known for 30 days.
        domain: As registered: hosts below it are meant too.
        placement: Where the call to action stood.
        pattern: Of the name, with * and ?; every candidate is opened for it.
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

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.until - self.since <= _LONGEST:
            raise ValueError("the time window is longer than 31 days, or ends before it begins")

    def as_json(self) -> dict[str, JsonValue]:
        """For sealing."""
        return {
            "petition_id": self.petition_id,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "network": self.network,
            "domain": self.domain,
            "placement": self.placement,
            "pattern": self.pattern,
            "quarantined": self.quarantined,
        }


def read_conditions(values: dict[str, JsonValue]) -> Conditions:
    """Conditions as they were sealed."""

    def words(name: str) -> str | None:
        value = values.get(name)
        return value if isinstance(value, str) else None

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
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One signature that matches, as staff see it before they decide."""

    id: UUID
    name: str = field(repr=False)
    signed_at: datetime
    state: str
    score: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How many match, how many of them count now, and some of them."""

    matching: int
    counting: int
    sample: tuple[Sample, ...]


class Sweeper:
    """Tries conditions, and sweeps."""

    def __init__(self, database: Database, sealer: Sealer, opener: Opener, hasher: Hasher) -> None:
        self._database, self._sealer, self._opener, self._hasher = database, sealer, opener, hasher

    def jobs(self) -> list[Job]:
        """What the worker runs."""
        return [Job(RUN, self.run), Job(UNDO, self.undo)]

    async def try_out(self, session: AsyncSession, wanted: Conditions) -> Trial:
        """Look without touching: every match is counted, a few are shown."""
        matching = counting = 0
        sample: list[Sample] = []
        after: UUID | None = None
        while batch := await self._next(session, wanted, None, after):
            after = batch[-1].id
            for each in self._matching(batch, wanted):
                matching += 1
                counting += each.state == "confirmed" and each.quarantined_at is None
                if len(sample) < _SAMPLE:
                    name = self._name(each)
                    sample.append(Sample(each.id, name, each.signed_at, each.state, each.score))
        return Trial(matching, counting, tuple(sample))

    async def start(
        self,
        session: AsyncSession,
        action: str,
        wanted: Conditions,
        *,
        reason: str,
        actor: str,
        expected: int,
    ) -> UUID:
        """Write a sweep down and queue its job, in the session's transaction.

        `expected` is what a trial found; the job takes what matches when it comes by.
        """
        if action not in (INVALIDATE, RELEASE) or reason not in REASONS:
            raise ValueError("no such action or reason")
        sweep_id = new_id()
        values = {
            "id": sweep_id,
            "petition_id": wanted.petition_id,
            "action": action,
            "reason": reason,
            "actor": actor,
            "conditions_sealed": self._sealer.seal(wanted.as_json(), sweep_id),
            "expected": expected,
        }
        await session.execute(insert(Sweep).values(values))
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
                    await session.execute(_APPLY[UNDO], {"ids": ids, "sweep": sweep_id})
                    continue
                done = {"undone_at": func.now(), "done": 0}
                await session.execute(update(Sweep).where(Sweep.id == sweep_id).values(done))
                return

    async def _step(self, sweep_id: UUID) -> bool:
        async with self._database.begin() as session:
            sweep = await session.get(Sweep, sweep_id, with_for_update=True)
            if sweep is None or sweep.finished_at is not None or sweep.undo_at is not None:
                return False
            wanted = read_conditions(self._opener.open(sweep.conditions_sealed, sweep_id))
            batch = await self._next(session, wanted, sweep.action, sweep.reached_id)
            ids = [each.id for each in self._matching(batch, wanted)]
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
        self, session: AsyncSession, wanted: Conditions, action: str | None, after: UUID | None
    ) -> Sequence[Signature]:
        where = [*self._where(wanted), Signature.state.in_(("pending", "confirmed"))]
        if action != RELEASE:
            where.append(Signature.invalidated_at.is_(None))
        else:
            where.append(Signature.quarantined_at.is_not(None))
        if after is not None:
            where.append(Signature.id > after)
        query = select(Signature).where(*where).order_by(Signature.id).limit(_BATCH)
        return list(await session.scalars(query.execution_options(populate_existing=True)))

    def _where(self, wanted: Conditions) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = [
            Signature.petition_id == wanted.petition_id,
            # An hour's grace: ids are made by the public role's clock.
            Signature.id >= func.uuid_at(wanted.since - timedelta(hours=1)),
            Signature.signed_at >= wanted.since,
            Signature.signed_at < wanted.until,
        ]
        if wanted.network:
            where.append(Signature.network_hash.in_(self._network_hashes(wanted)))
        if wanted.domain:
            where.append(Signature.domain_hash == self._hasher.domain(wanted.domain)[:HASH_BYTES])
        if wanted.placement:
            placed = select(Placement.id).where(Placement.slug == wanted.placement)
            where.append(Signature.placement_id.in_(placed))
        if wanted.quarantined is not None:
            held = Signature.quarantined_at
            where.append(held.is_not(None) if wanted.quarantined else held.is_(None))
        return where

    def _network_hashes(self, wanted: Conditions) -> list[bytes]:
        first, last = wanted.since.astimezone(UTC).date(), wanted.until.astimezone(UTC).date()
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        network = network_of(wanted.network)
        return [self._hasher.network(network, day)[:HASH_BYTES] for day in days]

    def _matching(self, batch: Sequence[Signature], wanted: Conditions) -> list[Signature]:
        if wanted.pattern is None:
            return list(batch)
        pattern = re.compile(translate(wanted.pattern), re.IGNORECASE)
        return [each for each in batch if pattern.match(self._name(each))]

    def _name(self, signature: Signature) -> str:
        if signature.details_sealed is None or signature.own_copy is None:
            return ""
        sealed, copy = signature.details_sealed, signature.own_copy
        return open_sealed(self._opener, sealed, copy, signature.id)["name"]
