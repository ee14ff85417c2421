"""The surge ladder: what is left out first, and what last, when letters come faster than they are dealt with.

The order is declared once, here. Going up takes half a second a step; coming down takes five quiet seconds
for each, at a pressure well below the one that led up, so that nothing flaps. Signing is the last to go: what
was acknowledged stays, whatever the step.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum


class Step(IntEnum):
    """How far up a process stands; each step keeps those below it."""

    CALM = 0
    BREAKDOWNS = 1
    """Breakdowns come from memory as they were last read, or 503."""
    SIGNERS = 2
    """Pages and the API show no recent signers."""
    MAIL = 3
    """The worker sends urgent mail alone."""
    WORK = 4
    """Signatures should come with a proof of work."""
    REFUSE = 5
    """New signatures are asked to come back later: 503 with Retry-After."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: the pressure from which on it is taken, and the one below which it is left."""

    step: Step
    up: float
    down: float


LADDER = (
    Rung(Step.BREAKDOWNS, up=0.10, down=0.05),
    Rung(Step.SIGNERS, up=0.20, down=0.10),
    Rung(Step.MAIL, up=0.35, down=0.20),
    Rung(Step.WORK, up=0.50, down=0.30),
    Rung(Step.REFUSE, up=0.90, down=0.60),
)
CLIMB_SECONDS = 0.5
REST_SECONDS = 5.0
SLOWEST_COMMIT = 10.0
"""Seconds. People wait for their letter's transaction, and browsers and proxies give up after some 20."""
RETRY_SECONDS = 10
_FROM_SECONDS = 0.1
_REMEMBERED_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Pressure:
    """What a process can tell of the rush.

    Attributes:
        waiting: Letters here that wait for their transaction, of `capacity` that may.
        commit_seconds: The slowest of the last transactions, or the one under way.
        backlog: Letters in the database that no worker has resolved, of `backlog_capacity` that may wait.
    """

    waiting: int = 0
    capacity: int = 1
    commit_seconds: float = 0.0
    backlog: int = 0
    backlog_capacity: int = 1

    @property
    def level(self) -> float:
        """The worst of them, where 1 is as much as there may be."""
        return max(
            self.waiting / self.capacity,
            self.commit_seconds / SLOWEST_COMMIT,
            self.backlog / self.backlog_capacity,
        )


class Ladder:
    """Where one process stands. Pure: times, in seconds by any one clock, are handed in.

    Attributes:
        step: The step now.
        since: When it was taken.
    """

    def __init__(self, now: float) -> None:
        self.step = Step.CALM
        self.since = now
        self._climbed_at = now - CLIMB_SECONDS
        self._quiet_since: float | None = None

    def observe(self, level: float, now: float) -> Step:
        """Take a reading of the pressure; moves by one step at most."""
        above = LADDER[self.step] if self.step < len(LADDER) else None
        own = LADDER[self.step - 1] if self.step else None
        if above is not None and level >= above.up:
            self._quiet_since = None
            if now - self._climbed_at >= CLIMB_SECONDS:
                self._climbed_at = now
                self._take(above.step, now)
        elif own is not None and level < own.down:
            if self._quiet_since is None:
                self._quiet_since = now
            if now - self._quiet_since >= REST_SECONDS:
                self._quiet_since = now
                self._take(Step(self.step - 1), now)
        else:
            self._quiet_since = None
        return self.step

    def _take(self, step: Step, now: float) -> None:
        self.step, self.since = step, now


class CommitTimes:
    """How long transactions take, the one under way included; quick ones are not worth remembering."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[object, float] = {}
        self._slow: deque[tuple[float, float]] = deque(maxlen=64)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Around one transaction. One that failed is forgotten: a database that is away is no surge."""
        mark = object()
        began = self._running[mark] = self._clock()
        try:
            yield
        finally:
            del self._running[mark]
        now = self._clock()
        if now - began >= _FROM_SECONDS:
            self._slow.append((now, now - began))

    @property
    def slowest(self) -> float:
        """Seconds: of those under way, and of those that ended in the last three seconds."""
        now = self._clock()
        running = (now - began for began in self._running.values())
        ended = (seconds for at, seconds in self._slow if now - at < _REMEMBERED_SECONDS)
        return max((*running, *ended), default=0.0)
