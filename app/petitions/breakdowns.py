"""Confirmed signatures by one dimension, read from tallies alone.

Values come from the totals that the database keeps beside the hourly tallies; days from the hours themselves,
of which there are as many with few signatures as with many.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.db import Database
from app.core.errors import Overloaded

Dimension = Literal["country", "region", "day", "placement"]
MOST_ROWS = 1_000
_MOST_HELD = 200
"""Breakdowns in memory; the longest unasked goes first."""

_BY_VALUE = text("""
    select value, (confirmed - withdrawn - invalidated)::int as counted from tally_totals
     where petition_id = :petition and dimension = :dimension and confirmed - withdrawn - invalidated <> 0
     order by counted desc, value limit :most
""")
_BY_DAY = text("""
    select to_char(utc_hour at time zone :zone, 'YYYY-MM-DD') as day,
           sum(confirmed - withdrawn - invalidated)::int as counted from tallies
     where petition_id = :petition and dimension = 'all' and value = ''
     group by day having sum(confirmed - withdrawn - invalidated) <> 0
     order by day desc limit :most
""")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Pairs of value and count, when they were read, and how many seconds ago that is."""

    rows: tuple[tuple[str, int], ...]
    as_of: datetime
    age: int = 0


class Breakdowns:
    """Reads breakdowns, and remembers them for when they are not read.

    Args:
        is_shed: Whether they are not to be read for now: the first step of the surge ladder.
    """

    def __init__(self, database: Database, clock: Clock, is_shed: Callable[[], bool]) -> None:
        self._database = database
        self._clock = clock
        self._is_shed = is_shed
        self._held: OrderedDict[tuple[int, str], tuple[Breakdown, float]] = OrderedDict()

    async def read(self, petition_id: int, by: Dimension, zone: str) -> Breakdown:
        """One breakdown: as it is now, or, in a surge and while the database is away, as it was read last.

        Raises:
            Overloaded: It is not read for now, and nobody has asked for it before.
        """
        if self._is_shed():
            return self._remembered(petition_id, by, Overloaded())
        try:
            async with self._database.begin() as session:
                rows = await read_breakdown(session, petition_id, by, zone)
        except Overloaded as error:
            return self._remembered(petition_id, by, error)
        read = Breakdown(tuple(rows), self._clock.now())
        self._held[petition_id, by] = read, time.monotonic()
        self._held.move_to_end((petition_id, by))
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)
        return read

    def _remembered(self, petition_id: int, by: Dimension, otherwise: Overloaded) -> Breakdown:
        if (petition_id, by) not in self._held:
            raise otherwise
        held, at = self._held[petition_id, by]
        return Breakdown(held.rows, held.as_of, int(time.monotonic() - at))


async def read_breakdown(
    session: AsyncSession, petition_id: int, by: Dimension, zone: str
) -> list[tuple[str, int]]:
    """Pairs of value and count, the largest first; days, newest first, in the campaign's time zone."""
    if by == "day":
        rows = await session.execute(_BY_DAY, {"petition": petition_id, "zone": zone, "most": MOST_ROWS})
    else:
        values = {"petition": petition_id, "dimension": by, "most": MOST_ROWS}
        rows = await session.execute(_BY_VALUE, values)
    return [(value, counted) for value, counted in rows]
