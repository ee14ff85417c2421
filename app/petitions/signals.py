"""Counters of signs by network, domain, address and petition: one short upsert for each batch of letters.

They are counted in a transaction of their own, which holds their rows for a moment only; the table is
unlogged, so a crash of the server begins them anew and costs nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_binary
from app.petitions.scoring import Counts

Key: TypeAlias = tuple[str, bytes, str]
"""Kind, hash, and day in UTC."""

# In key order, so that two workers cannot wait for each other in a circle. Windows go by when a letter was
# received: a crowd that waited in the letterbox during a surge is no burst when it is resolved.
_COUNT: LiteralString = """
    insert into signals as s (kind, key_hash, day, day_count, hour_at, hour_count, minute_at, minute_count)
    select k, h, d::date, dc, to_timestamp(m / 60 * 3600), hc, to_timestamp(m * 60), mc
      from unnest(%(kinds)b::text[], %(keys)b::bytea[], %(days)b::text[], %(day_counts)b::int[],
                  %(minutes)b::int8[], %(hour_counts)b::int[], %(minute_counts)b::int[])
           x (k, h, d, dc, m, hc, mc)
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
"""
_COLUMNS = ("kinds", "keys", "days", "day_counts", "minutes", "hour_counts", "minute_counts")
_MINUTES = 60
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
    by_key: dict[Key, list[int]] = {}
    for each in seen:
        by_key.setdefault(each.key, []).append(int(each.at.timestamp()) // 60)
    if not by_key:
        return {}
    # A lost counter is no lost signature: its commit need not wait for the disk.
    await session.execute(text("set local synchronous_commit = off"))
    rows = [(*key, *_summed(minutes)) for key, minutes in sorted(by_key.items())]
    columns = dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))
    found = {}
    for kind, key_hash, on, minute, hour, before, whole_day in await run_binary(session, _COUNT, columns):
        key: Key = (kind, key_hash, on)
        # How much of the hour before lies within the last sixty minutes: the window slides, but at midnight
        # UTC, where keys have another day and all counters begin anew.
        left = 1 - max(by_key[key]) % _MINUTES / _MINUTES
        found[key] = Counts(minute, hour + round(before * left), whole_day)
    return found


def _summed(minutes: Sequence[int]) -> tuple[int, int, int, int]:
    """How many letters, the latest minute, how many in its hour, how many in it; minutes since 1970."""
    latest = max(minutes)
    if len(minutes) == 1:
        return 1, latest, 1, 1
    hour = latest // _MINUTES
    return len(minutes), latest, sum(m // _MINUTES == hour for m in minutes), minutes.count(latest)
