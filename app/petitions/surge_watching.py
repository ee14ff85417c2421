"""Keep a process on its step of the surge ladder, and tell the database, where staff can see it."""

import asyncio
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import structlog
from sqlalchemy import text

from app.core.db import Database
from app.core.errors import Overloaded
from app.petitions.letterbox import Letterbox
from app.petitions.surging import RETRY_SECONDS, Ladder, Pressure, Step

log = structlog.get_logger(__name__)
LOOK_SECONDS = 0.25
REPORT_SECONDS = 1.0
_REPORT = text("""
    select letters, highest from report_process(
      cast(:id as uuid), cast(:name as text), cast(:role as text), cast(:step as smallint),
      cast(:step_seconds as int), cast(:waiting as int), cast(:capacity as int), cast(:commit_ms as int))
""")


@dataclass(slots=True)
class _Told:
    """What the database said last; it stands while the database is away."""

    backlog: int = 0
    highest: Step = Step.CALM


class SurgeWatch:
    """Where this process stands, and what it does without for that.

    Args:
        role: `public` or `worker`.
        letterbox: Of a public process.
        backlog_capacity: Letters that may wait for a worker before no more are taken.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        database: Database,
        role: str,
        letterbox: Letterbox | None = None,
        *,
        backlog_capacity: int = 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._role = role
        self._clock = clock
        self._letterbox = letterbox
        self._backlog_capacity = backlog_capacity
        self._id = uuid4()
        self._name = f"{platform.node()}/{os.getpid()}"
        self._ladder = Ladder(clock())
        self._told = _Told()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def step(self) -> Step:
        """The step now."""
        return self._ladder.step

    @property
    def seconds_on_step(self) -> int:
        """Since when, in whole seconds."""
        return int(self._clock() - self._ladder.since)

    @property
    def sheds_breakdowns(self) -> bool:
        """Whether breakdowns are not read anew."""
        return self.step >= Step.BREAKDOWNS

    @property
    def sheds_signers(self) -> bool:
        """Whether recent signers are left out."""
        return self.step >= Step.SIGNERS

    @property
    def sheds_mail(self) -> bool:
        """For the worker: whether mail that is not urgent waits, here or because a public process says so."""
        return max(self.step, self._told.highest) >= Step.MAIL

    @property
    def asks_work(self) -> bool:
        """Whether signatures should come with a proof of work."""
        return self.step >= Step.WORK

    def admit(self) -> None:
        """Let a new signature in. Raises Overloaded at the top of the ladder; nothing is stored."""
        if self.step >= Step.REFUSE:
            raise Overloaded(retry_after=RETRY_SECONDS)

    def start(self) -> None:
        """Look and tell from now on, on the running loop."""
        self._tasks = [
            asyncio.create_task(self._keep_looking(), name="surge-look"),
            asyncio.create_task(self._keep_telling(), name="surge-report"),
        ]

    async def stop(self) -> None:
        """End both; the row of this process is forgotten a minute later."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> Step:
        """Take a reading, and go a step up or down where it says so."""
        before = self.step
        pressure = self.pressure()
        after = self._ladder.observe(pressure.level, self._clock())
        if after != before:
            log.warning(
                "surge:step:taken",
                step=after.name.lower(),
                before=before.name.lower(),
                waiting=pressure.waiting,
                commit_seconds=round(pressure.commit_seconds, 2),
                backlog=pressure.backlog,
            )
        return after

    async def tell(self) -> None:
        """Write down how this process does; learn how many letters wait, and how the others do."""
        pressure = self.pressure()
        values = {
            "id": self._id,
            "name": self._name,
            "role": self._role,
            "step": int(self.step),
            "step_seconds": self.seconds_on_step,
            "waiting": pressure.waiting,
            "capacity": pressure.capacity if self._letterbox else 0,
            "commit_ms": round(pressure.commit_seconds * 1000),
        }
        async with self._database.begin() as session:
            letters, highest = (await session.execute(_REPORT, values)).one()
        self._told = _Told(letters, Step(highest))

    def pressure(self) -> Pressure:
        """What can be told now, without waiting for anything.

        What waits for a database that is away is no surge: work that is asked for would not bring it back.
        """
        box = self._letterbox
        is_told = box is not None and not box.is_away
        return Pressure(
            waiting=box.waiting if box and is_told else 0,
            capacity=box.capacity if box else 1,
            commit_seconds=box.commits.slowest if box and is_told else 0.0,
            backlog=self._told.backlog,
            backlog_capacity=self._backlog_capacity,
        )

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep_telling(self) -> None:
        while True:
            try:
                await self.tell()
            except Overloaded as error:
                log.warning("surge:report:failed", code=error.code)
            except Exception:
                log.exception("surge:report:failed")
            await asyncio.sleep(REPORT_SECONDS)
