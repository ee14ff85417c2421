"""Confirmed signatures by one dimension, read from tallies alone.

Values come from the totals that the database keeps beside the hourly tallies; days from the hours themselves,
of which there are as many with few signatures as with many.
"""

from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Dimension = Literal["country", "region", "day", "placement"]
MOST_ROWS = 1_000

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
