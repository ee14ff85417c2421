"""Tallies: what happened in each hour, by one dimension at a time (design §6)."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True, order=True)
class Marginal:
    """One petition's dimension and value."""

    petition_id: int
    dimension: str
    value: str


def marginals(
    petition_id: int, *, country: str, region: str | None, placement: str | None, locale: str
) -> list[Marginal]:
    """Where one signature counts: once in every dimension that has a value for it."""
    values = {"all": "", "country": country, "region": region, "placement": placement, "locale": locale}
    return [Marginal(petition_id, name, value) for name, value in values.items() if value is not None]


Where: TypeAlias = tuple[int, str, str | None, str | None, str]
"""Petition, country, region, placement, language."""


def spread(signed: Counter[Where]) -> Counter[Marginal]:
    """The marginals of signatures that were counted by all dimensions at once."""
    counted: Counter[Marginal] = Counter()
    for (petition_id, country, region, placement, locale), number in signed.items():
        for marginal in marginals(
            petition_id, country=country, region=region, placement=placement, locale=locale
        ):
            counted[marginal] += number
    return counted


# Summed in memory and written in key order, so that two workers cannot wait for each other in a circle.
_SIGNED = text("""
    insert into tallies as t (petition_id, dimension, value, utc_hour, signed)
    select p, d, v, date_trunc('hour', now(), 'UTC'), n
      from unnest(cast(:petitions as int[]), cast(:dimensions as text[]), cast(:values as text[]),
                  cast(:counts as int[])) x (p, d, v, n)
     order by p, d, v
    on conflict (petition_id, dimension, value, utc_hour) do update set signed = t.signed + excluded.signed
""")


# The first row in the order of each petition: whoever has it is waited for before any other is touched.
_TAKE_TURNS = text("""
    insert into tallies as t (petition_id, dimension, value, utc_hour, signed)
    select p, 'all', '', date_trunc('hour', now(), 'UTC'), 0
      from unnest(cast(:petitions as int[])) p order by p
    on conflict (petition_id, dimension, value, utc_hour) do update set signed = t.signed
""")


async def take_turns(session: AsyncSession, petitions: Collection[int]) -> None:
    """Lock the figures of all these petitions in their order, before those of one are moved by itself."""
    if len(petitions) > 1:
        await session.execute(_TAKE_TURNS, {"petitions": sorted(petitions)})


async def count_signed(session: AsyncSession, signed: Counter[Marginal]) -> None:
    """Add newly stored signatures to this hour's tallies."""
    if not signed:
        return
    ordered = sorted(signed)
    await session.execute(
        _SIGNED,
        {
            "petitions": [m.petition_id for m in ordered],
            "dimensions": [m.dimension for m in ordered],
            "values": [m.value for m in ordered],
            "counts": [signed[m] for m in ordered],
        },
    )
