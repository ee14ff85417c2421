"""Where every process stands on the surge ladder, as it told within the last seconds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.petitions.surging import Step

SEEN_SECONDS = 10
"""A process tells once a second; one that was silent for so long is gone, or has lost the database."""
_PROCESSES = text("""
    select name, role, step, greatest(0, extract(epoch from now() - step_since))::int as seconds_on_step,
           waiting, capacity, commit_ms
      from process_states where seen_at > now() - :seen * interval '1 second'
     order by role, name, id limit 1000
""")
_LETTERS = text("""
    select letters, coalesce(greatest(0, extract(epoch from now() - oldest_at)), 0)::int as oldest_seconds,
           counted_at
      from letterbox_states
""")

SAID = {
    Step.CALM: "everything is served",
    Step.BREAKDOWNS: "breakdowns come from memory",
    Step.SIGNERS: "recent signers are left out",
    Step.MAIL: "mail that is not urgent waits",
    Step.WORK: "signing asks for proof of work",
    Step.REFUSE: "new signatures are asked to come back later",
}
"""What a step does, for staff; each does that of those below as well."""


@dataclass(frozen=True, slots=True)
class ProcessOnLadder:
    """One process. `waiting` of `capacity` letters are in its memory; a worker has no letterbox."""

    name: str
    role: str
    step: Step
    seconds_on_step: int
    waiting: int
    capacity: int
    commit_ms: int

    @property
    def said(self) -> str:
        """What the step does."""
        return SAID[self.step]


@dataclass(frozen=True, slots=True)
class Surge:
    """All processes, and the letters that wait in the database for a worker."""

    processes: tuple[ProcessOnLadder, ...]
    letters: int
    oldest_seconds: int
    counted_at: datetime | None

    @property
    def step(self) -> Step:
        """The highest of all processes."""
        return max((process.step for process in self.processes), default=Step.CALM)

    @property
    def said(self) -> str:
        """What that does."""
        return SAID[self.step]


async def read_surge(session: AsyncSession) -> Surge:
    """Look at both tables once."""
    rows = (await session.execute(_PROCESSES, {"seen": SEEN_SECONDS})).mappings()
    processes = tuple(ProcessOnLadder(**{**row, "step": Step(row["step"])}) for row in rows)
    counted = (await session.execute(_LETTERS)).one_or_none()
    if counted is None:
        return Surge(processes, 0, 0, None)
    return Surge(processes, counted.letters, counted.oldest_seconds, counted.counted_at)
