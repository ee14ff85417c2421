"""The questions that reports put to the database: read only, of one moment, bounded by days, rows and time.

Tallies count whole hours of UTC, so an hour belongs to the local day in which it begins. For zones that are
whole hours from UTC (London, Kyiv, New York) days are exact, also the 23 and 25 hours of a change of clocks;
for zones with a half or quarter hour (Kolkata, Kathmandu) what happens in the first 30 or 15 to 45 minutes of
a day counts for the day before. Money carries its exact moment and has no such edge.
"""

from collections import defaultdict
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.reports.figures import Figures, Giving, Signing
from app.reports.ranges import DateRange

MAX_PLACEMENTS = 500

_SUMS = ", ".join(
    f"coalesce(sum(t.{event}), 0)::bigint as {event}"
    for event in ("signed", "confirmed", "withdrawn", "invalidated", "lapsed")
)
_TALLIES = """
  from tallies t join petitions p on p.id = t.petition_id
 where p.campaign_id = :campaign and t.utc_hour >= :begin and t.utc_hour < :end
"""
_SIGNING_BY_DAY = text(f"""
select (t.utc_hour at time zone :zone)::date as day, {_SUMS} {_TALLIES}
   and t.dimension = 'all' and t.value = '' group by 1
""")
_SIGNING_BY_PLACEMENT = text(f"""
select t.value, {_SUMS} {_TALLIES}
   and t.dimension = 'placement' group by 1 order by sum(t.signed) desc, 1 limit {MAX_PLACEMENTS}
""")
_SIGNING_EVER = text(f"""
select {_SUMS} from tally_totals t join petitions p on p.id = t.petition_id
 where p.campaign_id = :campaign and t.dimension = 'all' and t.value = ''
""")  # noqa: S608 - built from constants

# Credits are negative. One posting of a charge is one donation; a refund is another posting.
_GIVING = """
       count(distinct o.id) filter (where a.kind = 'donations' and e.amount_minor < 0) as donations,
       coalesce(-sum(e.amount_minor) filter (where a.kind = 'donations'), 0)::bigint as given,
       coalesce(sum(e.amount_minor) filter (where a.kind = 'refunds'), 0)::bigint as refunded
  from appeals l join ledger_accounts a on a.appeal_id = l.id
  join ledger_entries e on e.account_id = a.id join ledger_postings o on o.id = e.posting_id
"""
_LEDGER = """
 where l.campaign_id = :campaign and a.kind in ('donations', 'refunds')
   and o.occurred_at >= :begin and o.occurred_at < :end
"""
_GIVING_BY_DAY = text(f"""
select (o.occurred_at at time zone :zone)::date as day, e.currency, {_GIVING} {_LEDGER} group by 1, 2
""")
# A charge is named by Stripe's id; the demo's invented gifts have none and are named by the donation's.
_DONATION = """
  select c.placement from donations c where o.cause_kind = 'charge' and c.stripe_charge_id = o.cause_id
  union all
  select i.placement from donations i
   where i.id = case when o.cause_kind = 'demo' then split_part(o.cause_id, ':', 1)::uuid end
"""
_GIVING_BY_PLACEMENT = text(f"""
select d.placement, e.currency, {_GIVING}
  cross join lateral ({_DONATION}) d {_LEDGER}
   and d.placement is not null group by 1, 2 order by 3 desc, 1, 2 limit {MAX_PLACEMENTS}
""")
_TITLES = text("select slug, title from placements where campaign_id = :campaign and slug = any(:slugs)")
_STATES = text("""
select d.state, count(*)::int as begun from donations d join appeals l on l.id = d.appeal_id
 where l.campaign_id = :campaign and d.created_at >= :begin and d.created_at < :end
 group by 1 order by 2 desc, 1
""")
_EARLIEST = text("""
select least(
  (select min(t.utc_hour) from tallies t join petitions p on p.id = t.petition_id
    where p.campaign_id = :campaign and t.dimension = 'all' and t.value = ''),
  (select min(o.occurred_at) from appeals l join ledger_accounts a on a.appeal_id = l.id
     join ledger_entries e on e.account_id = a.id join ledger_postings o on o.id = e.posting_id
    where l.campaign_id = :campaign)) at time zone :zone
""")


async def begin_reading(session: AsyncSession, *, seconds: int = 10) -> None:
    """Make this unit of work a reader of one moment; must come before its first question."""
    await session.execute(text("set transaction isolation level repeatable read, read only"))
    await session.execute(text(f"set local statement_timeout = '{int(seconds)}s'"))


async def figures_by_day(
    session: AsyncSession, campaign_id: int, days: DateRange, zone: ZoneInfo
) -> dict[date, Figures]:
    """The figures of each day on which something happened."""
    values = {**_span(campaign_id, days, zone), "zone": zone.key}
    signing = {
        row["day"]: _signing(row) for row in (await session.execute(_SIGNING_BY_DAY, values)).mappings()
    }
    giving: dict[date, dict[str, Giving]] = defaultdict(dict)
    for row in await session.execute(_GIVING_BY_DAY, values):
        giving[row.day][row.currency] = Giving(row.donations, row.given, row.refunded)
    days_with_any = sorted({*signing, *giving})
    return {day: Figures(signing.get(day, Signing()), giving.get(day, {})) for day in days_with_any}


async def figures_by_placement(
    session: AsyncSession, campaign_id: int, days: DateRange, zone: ZoneInfo
) -> dict[str, Figures]:
    """The figures of each placement, most signed first; refunds are not told apart by placement."""
    values = _span(campaign_id, days, zone)
    rows = (await session.execute(_SIGNING_BY_PLACEMENT, values)).mappings()
    signing = {row["value"]: _signing(row) for row in rows}
    giving: dict[str, dict[str, Giving]] = defaultdict(dict)
    for row in await session.execute(_GIVING_BY_PLACEMENT, values):
        giving[row.placement][row.currency] = Giving(row.donations, row.given)
    return {
        slug: Figures(signing.get(slug, Signing()), giving.get(slug, {})) for slug in {**signing, **giving}
    }


async def placement_titles(session: AsyncSession, campaign_id: int, slugs: list[str]) -> dict[str, str]:
    """The titles of placements that have one."""
    rows = await session.execute(_TITLES, {"campaign": campaign_id, "slugs": slugs})
    return {row.slug: row.title for row in rows if row.title}


async def signing_ever(session: AsyncSession, campaign_id: int) -> Signing:
    """Signatures since the beginning."""
    return _signing((await session.execute(_SIGNING_EVER, {"campaign": campaign_id})).mappings().one())


async def donations_by_state(
    session: AsyncSession, campaign_id: int, days: DateRange, zone: ZoneInfo
) -> dict[str, int]:
    """What became of the donations begun on these days."""
    rows = await session.execute(_STATES, _span(campaign_id, days, zone))
    return {row.state: row.begun for row in rows}


async def earliest_day(session: AsyncSession, campaign_id: int, zone: ZoneInfo) -> date | None:
    """The first day on which somebody signed or gave."""
    found = await session.scalar(_EARLIEST, {"campaign": campaign_id, "zone": zone.key})
    return found.date() if found else None


def _span(campaign_id: int, days: DateRange, zone: ZoneInfo) -> dict[str, object]:
    begin, end = days.bounds(zone)
    return {"campaign": campaign_id, "begin": begin, "end": end}


def _signing(row: RowMapping) -> Signing:
    return Signing(row["signed"], row["confirmed"], row["withdrawn"], row["invalidated"], row["lapsed"])
