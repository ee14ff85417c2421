"""Each invariant is broken once, to see that its check finds it."""

import psycopg
import pytest

from app.core.db import Database
from app.reports.checking import run_checks
from tests.factories import World

HOUR = "2026-03-02 09:00+00"
COUNTERS = ("signed", "confirmed", "withdrawn", "invalidated", "lapsed")
SUMS = "tallies by country and locale sum to all"
WAITING = "no Stripe event waits for more than an hour"


async def violations(internal: Database, name: str) -> int:
    async with internal.begin() as session:
        return {f.name: f.violations for f in await run_checks(session)}[name]


def tally(superuser: psycopg.Connection, world: World, dimension: str, value: str) -> None:
    superuser.execute(
        "insert into tallies (petition_id, dimension, value, utc_hour, signed, confirmed, withdrawn, "
        "invalidated, lapsed) values (%s, %s, %s, %s, 5, 4, 3, 2, 1)",
        (world.petition_id, dimension, value, HOUR),
    )


@pytest.mark.parametrize("dimension", ["country", "locale"])
@pytest.mark.parametrize("counter", COUNTERS)
async def test_every_counter_of_both_dimensions_has_to_sum_up(
    internal: Database, superuser: psycopg.Connection, world: World, counter: str, dimension: str
) -> None:
    for name, value in (("all", ""), ("country", "GB"), ("locale", "en"), ("placement", "one")):
        tally(superuser, world, name, value)
    assert await violations(internal, SUMS) == 0
    superuser.execute(
        f"update tallies set {counter} = {counter} + 1 where dimension = %s".encode(),  # noqa: S608
        (dimension,),
    )
    assert await violations(internal, SUMS) == 1


TOTALS = "totals = tallies"


@pytest.mark.parametrize("counter", COUNTERS)
async def test_totals_follow_whatever_happens_to_tallies(
    internal: Database, superuser: psycopg.Connection, world: World, counter: str
) -> None:
    for value in ("GB", "UA"):
        tally(superuser, world, "country", value)
    superuser.execute(f"update tallies set {counter} = {counter} + 7 where value = 'GB'".encode())  # noqa: S608
    superuser.execute("delete from tallies where value = 'UA'")
    assert await violations(internal, TOTALS) == 0
    query = f"select sum({counter})::int from tally_totals where value = 'GB'"  # noqa: S608
    assert superuser.execute(query.encode()).fetchone() == (12 - COUNTERS.index(counter),)
    superuser.execute(f"update tally_totals set {counter} = 0 where value = 'GB'".encode())  # noqa: S608
    assert await violations(internal, TOTALS) == 1


async def test_a_total_that_is_missing_is_found(
    internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    tally(superuser, world, "country", "GB")
    superuser.execute("delete from tally_totals")
    assert await violations(internal, TOTALS) == 1


@pytest.mark.parametrize("only", ["all", "country", "locale"])
async def test_a_dimension_that_is_missing_is_found(
    internal: Database, superuser: psycopg.Connection, world: World, only: str
) -> None:
    tally(superuser, world, only, "" if only == "all" else "xx")
    assert await violations(internal, SUMS) > 0


@pytest.mark.parametrize(
    ("minutes", "handled", "found"), [(59, None, 0), (61, None, 1), (61, "2026-03-02 09:00+00", 0)]
)
async def test_an_event_that_nobody_handles_is_found_after_an_hour(
    internal: Database,
    superuser: psycopg.Connection,
    world: World,
    minutes: int,
    handled: str | None,
    found: int,
) -> None:
    superuser.execute(
        "insert into stripe_events (id, type, object_id, livemode, api_version, created, received_at, "
        "handled_at) values ('evt_1', 'charge.refunded', 'ch_1', false, 'x', now(), "
        "now() - make_interval(mins => %s), %s)",
        (minutes, handled),
    )
    assert await violations(internal, WAITING) == found
