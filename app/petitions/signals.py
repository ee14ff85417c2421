"""Counters of signs by network, domain, address and petition: one short upsert for each batch of letters.

They are counted in a transaction of their own, which holds their rows for a moment only; the table is
unlogged, so a crash of the server begins them anew and costs nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.petitions.scoring import Counts

Key: TypeAlias = tuple[str, bytes, str]
"""Kind, hash, and day in UTC."""

# In key order, so that two workers cannot wait for each other in a circle. Windows go by when a letter was
# received: a crowd that waited in the letterbox during a surge is no burst when it is resolved.
_COUNT = text("""
    insert into signals as s (kind, key_hash, day, day_count, hour_at, hour_count, minute_at, minute_count)
    select * from unnest(cast(:kinds as text[]), cast(:keys as bytea[]), cast(:days as date[]),
                         cast(:day_counts as int[]), cast(:hours as timestamptz[]),
                         cast(:hour_counts as int[]), cast(:minutes as timestamptz[]),
                         cast(:minute_counts as int[])) x (k, h, d, dc, ha, hc, ma, mc)
     order by k, h, d
    on conflict (kind, key_hash, day) do update set
      day_count = s.day_count + excluded.day_count,
      hour_count = case when excluded.hour_at > s.hour_at then excluded.hour_count
                        when excluded.hour_at = s.hour_at then s.hour_count + excluded.hour_count
                        else s.hour_count end,
      hour_before = case when excluded.hour_at <= s.hour_at then s.hour_before
                         when excluded.hour_at = s.hour_at + interval '1 hour' then s.hour_count
                         else 0 end,
      hour_at = greatest(s.hour_at, excluded.hour_at),
      minute_count = case when excluded.minute_at > s.minute_at then excluded.minute_count
                          when excluded.minute_at = s.minute_at then s.minute_count + excluded.minute_count
                          else s.minute_count end,
      minute_at = greatest(s.minute_at, excluded.minute_at)
    returning kind, key_hash, to_char(day, 'YYYY-MM-DD'), minute_count, hour_count, hour_before,
              day_count
""")
_COLUMNS = ("kinds", "keys", "days", "day_counts", "hours", "hour_counts", "minutes", "minute_counts")
FORGET = text("delete from signals where day < (now() at time zone 'UTC')::date - 1")


@dataclass(frozen=True, slots=True)
class Seen:
    """One letter under one key."""

    key: Key
    at: datetime


def day_of(at: datetime) -> str:
    """The day whose counters a letter belongs to, UTC."""
    return at.strftime("%Y-%m-%d")


async def count(session: AsyncSession, seen: Sequence[Seen]) -> dict[Key, Counts]:
    """Add a batch to the counters; returns them as they stand with it."""
    by_key: dict[Key, list[datetime]] = {}
    for each in seen:
        by_key.setdefault(each.key, []).append(each.at)
    if not by_key:
        return {}
    # A lost counter is no lost signature: its commit need not wait for the disk.
    await session.execute(text("set local synchronous_commit = off"))
    columns: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    for (kind, key_hash, on), times in sorted(by_key.items()):
        hours = Counter(at.replace(minute=0, second=0, microsecond=0) for at in times)
        minutes = Counter(at.replace(second=0, microsecond=0) for at in times)
        last, latest = max(hours), max(minutes)
        row = (kind, key_hash, on, len(times), last, hours[last], latest, minutes[latest])
        for name, value in zip(_COLUMNS, row, strict=True):
            columns[name].append(value)
    rows = await session.execute(_COUNT, columns)
    left = {each: _left_of_hour(max(times)) for each, times in by_key.items()}
    found = {}
    for kind, key_hash, on, minute, hour, before, whole_day in rows:
        key: Key = (kind, bytes(key_hash), on)
        found[key] = Counts(minute, hour + round(before * left[key]), whole_day)
    return found


def _left_of_hour(at: datetime) -> float:
    """How much of the hour before lies within the last sixty minutes: the window slides, nothing resets."""
    return 1 - at.minute / 60
