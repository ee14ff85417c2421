"""What the public sees, read about once a second per process and served from memory."""

import time
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.db import Database
from app.core.errors import Overloaded

Shown = TypeVar("Shown")


class Held(ABC, Generic[Shown]):
    """Things by their slug, each about `max_age` seconds old; the hot path asks here, not the database.

    One caller reads a thing anew, and nobody waits for that: the others get what is held. While the
    database is away, what is held is shown for at most `stale_for` seconds; it says when it was read.
    """

    def __init__(
        self, database: Database, clock: Clock, max_age: float = 1.0, stale_for: float = 300.0
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_age = max_age
        self._stale_for = stale_for
        self._held: dict[str, tuple[float, Shown]] = {}
        self._reading: set[str] = set()

    @abstractmethod
    async def _read(self, session: AsyncSession, slug: str, read_at: datetime) -> Shown:
        """Read one; raises NotFound where there is none."""

    async def get(self, slug: str) -> Shown:
        """The thing, from memory where that is fresh enough.

        Raises:
            NotFound: There is none of that name, or it is a draft.
            Overloaded: The database is away, and what is held is too old to show.
        """
        held = self._held.get(slug)
        if held is None:
            return await self.fresh(slug)
        read_at, shown = held
        age = time.monotonic() - read_at
        if age > self._stale_for:
            return await self.fresh(slug)
        if age < self._max_age or slug in self._reading:
            return shown
        self._reading.add(slug)
        try:
            return await self.fresh(slug)
        except Overloaded:
            return shown
        finally:
            self._reading.discard(slug)

    async def fresh(self, slug: str) -> Shown:
        """The thing, straight from the database. Raises as `get`."""
        async with self._database.begin() as session:
            shown = await self._read(session, slug, self._clock.now())
        self._held[slug] = (time.monotonic(), shown)
        return shown
