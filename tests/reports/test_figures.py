from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.money import Money
from app.reports.campaign_report import CampaignReport, list_campaigns
from app.reports.errors import RangeInvalid
from app.reports.figures import Figures, Giving, Signing, conversion
from app.reports.queries import begin_reading, earliest_day
from app.reports.ranges import MAX_DAYS, DateRange, between, last_days, since
from tests.factories import World
from tests.reports.conftest import LONDON, Book, at

Read = Callable[..., Awaitable[CampaignReport]]


def confirmed(report: CampaignReport) -> dict[str, int]:
    return {
        period.span.first.isoformat(): period.figures.signing.confirmed
        for period in report.days
        if period.figures.signing.confirmed
    }


async def test_the_day_clocks_go_forward_in_london_has_23_hours(book: Book, read: Read) -> None:
    for hour in ("2026-03-28 23:00", "2026-03-29 00:00", "2026-03-29 22:00", "2026-03-29 23:00"):
        book.tally(hour, confirmed=1)
    assert confirmed(await read("2026-03-28", "2026-03-30")) == {
        "2026-03-28": 1,
        "2026-03-29": 2,
        "2026-03-30": 1,
    }
    assert confirmed(await read("2026-03-29", "2026-03-29")) == {"2026-03-29": 2}


async def test_the_day_clocks_go_back_in_london_has_25_hours(book: Book, read: Read) -> None:
    begin = at("2026-10-24 23:00")
    for hour in range(26):
        book.tally(f"{begin + timedelta(hours=hour):%Y-%m-%d %H:%M}", confirmed=1)
    # From 23:00 UTC on Saturday (midnight, summer time) to midnight UTC on Monday: 25 hours, then one more.
    assert confirmed(await read("2026-10-24", "2026-10-26")) == {"2026-10-25": 25, "2026-10-26": 1}
    assert confirmed(await read("2026-10-25", "2026-10-25")) == {"2026-10-25": 25}


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
async def test_money_is_cut_at_the_same_midnight(book: Book, read: Read, day: str) -> None:
    begin, end = DateRange(date.fromisoformat(day), date.fromisoformat(day)).bounds(LONDON)
    for moment in (begin, end):
        book.donation(moment.strftime("%Y-%m-%d %H:%M"), 1000)
    report = await read(day, day)
    assert report.total.of("GBP") == Giving(1, 1000)


def test_bounds_follow_the_zone() -> None:
    spring = DateRange(date(2026, 3, 29), date(2026, 3, 29)).bounds(LONDON)
    assert spring == (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC))
    autumn = DateRange(date(2026, 10, 25), date(2026, 10, 25)).bounds(LONDON)
    assert autumn == (datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    # In Beirut midnight of that night does not exist: the day begins at one, which is the same moment.
    beirut = DateRange(date(2026, 3, 29), date(2026, 3, 29)).bounds(ZoneInfo("Asia/Beirut"))
    assert (beirut[1] - beirut[0]).total_seconds() == 23 * 3600


async def test_in_a_zone_with_a_half_hour_an_hour_belongs_to_the_day_it_begins_in(
    book: Book, read: Read
) -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    book.tally("2026-05-01 18:00", confirmed=1)  # 23:30 to 00:30
    book.tally("2026-05-01 19:00", confirmed=2)
    assert confirmed(await read("2026-05-01", "2026-05-02", kolkata)) == {"2026-05-01": 1, "2026-05-02": 2}
    assert confirmed(await read("2026-05-02", "2026-05-02", kolkata)) == {"2026-05-02": 2}


async def test_figures_are_the_tallies_and_the_ledger(
    book: Book, read: Read, superuser: psycopg.Connection, world: World
) -> None:
    book.tally("2026-03-02 09:00", signed=10, confirmed=7, placement="front-page")
    book.tally("2026-03-02 09:00", signed=4, confirmed=3)
    book.tally(
        "2026-03-03 10:00", signed=2, withdrawn=1, lapsed=2, invalidated=1, petition=world.second_petition_id
    )
    book.donation("2026-03-02 11:00", 2500, placement="front-page")
    book.donation("2026-03-02 12:00", 1001)
    book.donation("2026-03-03 12:00", 3000, "JPY", placement="front-page")
    book.donation("2026-03-03 12:00", 9900, state="failed")
    book.refund("2026-03-03 13:00", 1001)
    report = await read("2026-03-01", "2026-03-04")
    assert report.total.signing == Signing(16, 10, 1, 1, 2)
    assert report.total.giving == {"GBP": Giving(2, 3501, 1001), "JPY": Giving(1, 3000)}
    assert report.signing_ever.counted == 8
    assert report.signing_ever.waiting == 4
    assert report.donation_states == {"succeeded": 3, "failed": 1}
    assert [p.figures.signing.signed for p in report.days] == [0, 14, 2, 0]
    net = superuser.execute("select currency, net_minor from appeal_totals order by 1").fetchall()
    assert [(c.strip(), n) for c, n in net] == [("GBP", 2500), ("JPY", 3000)]
    assert (report.total.net("GBP"), report.total.net("JPY")) == (Money(2500, "GBP"), Money(3000, "JPY"))


async def test_placements_add_up_to_the_totals(book: Book, read: Read) -> None:
    book.tally("2026-03-02 09:00", signed=10, confirmed=7, placement="front-page")
    book.tally("2026-03-02 09:00", signed=3, confirmed=1, placement="letter")
    book.tally("2026-03-02 09:00", signed=4, confirmed=3)
    book.donation("2026-03-02 11:00", 2500, placement="front-page")
    book.donation("2026-03-02 11:00", 700)
    book.post("demo", f"{book.donation('2026-03-02 10:00', 50, placement='invented', state='pending')}",
              "2026-03-02 10:00", 50, "GBP", debit="clearing", credit="donations")  # fmt: skip
    report = await read("2026-03-02", "2026-03-02")
    told = {p.slug: (p.figures.signing.signed, p.figures.of("GBP").given_minor) for p in report.placements}
    assert told == {"front-page": (10, 2500), "letter": (3, 0), "invented": (0, 50), "": (4, 700)}
    assert next(iter(told)) == "front-page"
    assert sum(p.figures.signing.confirmed for p in report.placements) == report.total.signing.confirmed


async def test_a_refund_that_failed_comes_back(book: Book, read: Read) -> None:
    book.donation("2026-03-02 11:00", 2500)
    book.refund("2026-03-02 12:00", 2500)
    book.post("refund_failed", "re_x", "2026-03-03 12:00", 2500, "GBP", debit="clearing", credit="refunds")
    report = await read("2026-03-02", "2026-03-03")
    assert report.total.of("GBP") == Giving(1, 2500, 0)


async def test_another_campaigns_figures_stay_out(
    book: Book, read: Read, superuser: psycopg.Connection, world: World
) -> None:
    book.tally("2026-03-02 09:00", signed=5)
    superuser.execute("savepoint before")
    other = superuser.execute(
        "insert into campaigns (slug, title, summary, story, publisher, data_controller, contact_email, "
        "locales) select 'other', title, summary, story, publisher, data_controller, contact_email, locales "
        "from campaigns limit 1 returning id"
    ).fetchone()
    assert other is not None
    superuser.execute(
        "update petitions set campaign_id = %s where id = %s", (other[0], world.second_petition_id)
    )
    try:
        book.tally("2026-03-02 09:00", signed=9, petition=world.second_petition_id)
        report = await read("2026-03-02", "2026-03-02")
        assert report.total.signing.signed == 5
        assert report.signing_ever.signed == 5
    finally:
        superuser.execute(
            "update petitions set campaign_id = %s where id = %s",
            (world.campaign_id, world.second_petition_id),
        )
        superuser.execute("delete from campaigns where slug = 'other'")
        superuser.commit()


async def test_the_list_holds_the_count_and_what_was_raised(
    book: Book, internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute(
        "insert into petition_counts (petition_id, counted) values (%s, 12), (%s, 3)",
        (world.petition_id, world.second_petition_id),
    )
    book.donation("2026-03-02 11:00", 2500)
    book.refund("2026-03-02 12:00", 500)
    superuser.commit()
    async with internal.begin() as session:
        (headline,) = await list_campaigns(session)
    assert (headline.counted, headline.raised) == (15, (Money(2000, "GBP"),))


async def test_a_report_can_only_read(internal: Database) -> None:
    async with internal.begin() as session:
        await begin_reading(session)
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(text("delete from staff_sessions"))
        await session.rollback()


async def test_a_report_that_takes_too_long_is_stopped(internal: Database) -> None:
    async def dawdle() -> None:
        async with internal.begin() as session:
            await begin_reading(session, seconds=1)
            await session.execute(text("select pg_sleep(3)"))

    with pytest.raises(DatabaseUnavailable):
        await dawdle()


async def test_all_begins_with_the_first_event(book: Book, internal: Database, world: World) -> None:
    async def earliest() -> date | None:
        book.connection.commit()
        async with internal.begin() as session:
            return await earliest_day(session, world.campaign_id, LONDON)

    assert await earliest() is None
    book.donation("2025-07-02 23:30", 100)
    assert await earliest() == date(2025, 7, 3)
    book.tally("2025-06-30 23:00", signed=1)
    assert await earliest() == date(2025, 7, 1)


def test_conversion_of_nothing_is_no_share() -> None:
    assert [step.share for step in conversion(Figures())] == [None, None, None]
    some = Figures(Signing(signed=200, confirmed=150), {"GBP": Giving(10, 1), "EUR": Giving(5, 1)})
    assert [(s.count, s.share) for s in conversion(some)] == [(200, None), (150, 0.75), (15, 0.1)]


TODAY = date(2026, 3, 30)


def test_ranges() -> None:
    assert last_days(7, TODAY) == DateRange(date(2026, 3, 24), TODAY)
    assert since(None, TODAY) == DateRange(TODAY, TODAY)
    assert since(date(2001, 1, 1), TODAY) == last_days(MAX_DAYS, TODAY)
    assert since(date(2027, 1, 1), TODAY) == DateRange(TODAY, TODAY)
    assert between("2026-03-01", " 2026-03-02 ") == DateRange(date(2026, 3, 1), date(2026, 3, 2))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", ""),
        ("x", "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        ("1999-12-31", "2026-03-01"),
        ("2015-01-01", "2026-03-01"),
        ("2026-02-30", "2026-03-01"),
        ("9999-12-31", "9999-12-31"),
        ("٢٠٢٦-٠٣-٠١", "2026-03-02"),
    ],
)
def test_dates_that_cannot_be_meant(first: str, last: str) -> None:
    with pytest.raises(RangeInvalid):
        between(first, last)


def test_long_ranges_are_drawn_by_week_and_by_month() -> None:
    assert len(last_days(100, TODAY).periods()) == 100
    weeks = last_days(101, TODAY).periods()
    assert {week.first.weekday() for week in weeks[1:]} == {0}
    months = last_days(500, TODAY).periods()
    assert {month.first.day for month in months[1:]} == {1}
    for cut in (weeks, months):
        assert [day for part in cut for day in part.days()] == list(DateRange(cut[0].first, TODAY).days())


async def test_weeks_hold_what_their_days_hold(book: Book, read: Read) -> None:
    for day in ("2026-01-01", "2026-02-11", "2026-04-30"):
        book.tally(f"{day} 12:00", confirmed=3)
        book.donation(f"{day} 12:00", 100)
    report = await read("2026-01-01", "2026-05-01")
    assert len(report.periods) < len(report.days)
    assert sum(p.figures.signing.confirmed for p in report.periods) == 9
    assert sum(p.figures.of("GBP").given_minor for p in report.periods) == 300
