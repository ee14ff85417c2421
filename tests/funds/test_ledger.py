"""The book: balanced, once for each cause, never changed."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.money import Money
from app.funds.ledger import Cause, Line, captured, is_posted, post, refund_failed, refunded
from app.funds.proving import broken_rules
from app.funds.totals import appeal_totals
from tests.factories import World

AT = datetime(2026, 3, 2, tzinfo=UTC)
FIVE = Money(500, "GBP")


async def test_what_is_raised_is_what_was_given_less_what_went_back(
    session: AsyncSession, world: World
) -> None:
    async def book(kind: str, cause: str, lines: tuple[Line, ...]) -> bool:
        made = Cause(kind, cause)  # type: ignore[arg-type]
        return await post(session, appeal_id=world.appeal_id, cause=made, occurred_at=AT, lines=lines)

    assert await book("charge", "ch_1", captured(Money(2500, "GBP")))
    assert await book("charge", "ch_2", captured(Money(3000, "JPY")))
    assert await book("refund", "re_1", refunded(Money(1000, "GBP")))
    assert await book("refund", "re_2", refunded(Money(500, "GBP")))
    assert await book("refund_failed", "re_2", refund_failed(Money(500, "GBP")))
    totals = await appeal_totals(session, world.appeal_id)
    assert totals.keys() == {"GBP", "JPY"}
    assert (totals["GBP"].raised, totals["GBP"].refunded, totals["GBP"].net) == (
        Money(2500, "GBP"),
        Money(1000, "GBP"),
        Money(1500, "GBP"),
    )
    assert totals["JPY"].net == Money(3000, "JPY")
    assert await broken_rules(session) == []


async def test_a_cause_is_booked_once(session: AsyncSession, world: World) -> None:
    cause = Cause("charge", "ch_1")
    assert not await is_posted(session, cause)
    for expected in (True, False, False):
        booked = await post(
            session, appeal_id=world.appeal_id, cause=cause, occurred_at=AT, lines=captured(FIVE)
        )
        assert booked is expected
    assert await is_posted(session, cause)
    assert (await appeal_totals(session, world.appeal_id))["GBP"].raised == FIVE


async def test_two_connections_book_a_cause_once(internal: Database, world: World) -> None:
    async def book() -> bool:
        async with internal.begin() as session:
            return await post(
                session,
                appeal_id=world.appeal_id,
                cause=Cause("charge", "ch_same"),
                occurred_at=AT,
                lines=captured(FIVE),
            )

    assert sorted(await asyncio.gather(*(book() for _ in range(8)))) == [False] * 7 + [True]


WRONG = {
    "unequal": (Line("clearing", FIVE), Line("donations", Money(-499, "GBP"))),
    "one-sided": (Line("clearing", FIVE),),
    "empty": (),
    "two currencies": (Line("clearing", FIVE), Line("donations", Money(-500, "EUR"))),
}


@pytest.mark.parametrize("lines", WRONG.values(), ids=WRONG.keys())
async def test_the_database_refuses_what_does_not_sum_to_zero(
    internal: Database, world: World, lines: tuple[Line, ...]
) -> None:
    with pytest.raises(DBAPIError, match=r"does not sum to zero|has no entries"):
        async with internal.begin() as session:
            await post(
                session,
                appeal_id=world.appeal_id,
                cause=Cause("charge", "ch_wrong"),
                occurred_at=AT,
                lines=lines,
            )
    async with internal.begin() as session:
        assert not await is_posted(session, Cause("charge", "ch_wrong"))


@given(amounts=st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_pass_if_and_only_if_they_sum_to_zero(
    superuser: psycopg.Connection, world: World, amounts: list[int]
) -> None:
    superuser.execute(
        "insert into ledger_accounts (appeal_id, kind, currency) values (%s, 'clearing', 'GBP') "
        "on conflict do nothing",
        [world.appeal_id],
    )
    refused = False
    try:
        with superuser.transaction():
            superuser.execute(
                "with p as (insert into ledger_postings (cause_kind, cause_id) "
                "values ('charge', gen_random_uuid()::text) returning id) "
                "insert into ledger_entries (posting_id, account_id, amount_minor, currency) "
                "select p.id, a.id, n, 'GBP' from p, ledger_accounts a, unnest(%s::bigint[]) n "
                "where a.kind = 'clearing' and a.currency = 'GBP'",
                [amounts],
            )
    except psycopg.errors.IntegrityConstraintViolation:
        refused = True
    assert refused is (sum(amounts) != 0)


@pytest.mark.parametrize("table", ["ledger_accounts", "ledger_postings", "ledger_entries"])
@pytest.mark.parametrize("act", ["update {} set id = id", "delete from {}", "truncate {}"])
async def test_no_serving_login_changes_the_book(
    public: Database, internal: Database, table: str, act: str
) -> None:
    for database in (public, internal):
        with pytest.raises(DBAPIError):
            async with database.begin() as session:
                await session.execute(text(act.format(table)))


@pytest.mark.parametrize("act", ["update {} set id = id", "delete from {}", "truncate {} cascade"])
def test_not_even_the_owner_changes_the_book_by_the_way(owner: psycopg.Connection, act: str) -> None:
    for table in ("ledger_accounts", "ledger_postings", "ledger_entries"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(act.format(table).encode())


async def test_a_broken_book_is_told(superuser: psycopg.Connection, internal: Database, world: World) -> None:
    superuser.execute("set session_replication_role = replica")
    superuser.execute(
        "with p as (insert into ledger_postings (cause_kind, cause_id) values ('charge', 'x') returning id), "
        "a as (insert into ledger_accounts (appeal_id, kind, currency) values (%s, 'refunds', 'PLN') "
        "returning id) "
        "insert into ledger_entries (posting_id, account_id, amount_minor, currency) "
        "select p.id, a.id, 7, 'PLN' from p, a",
        [world.appeal_id],
    )
    superuser.execute("insert into ledger_postings (cause_kind, cause_id) values ('charge', 'y')")
    async with internal.begin() as session:
        broken = await broken_rules(session)
    assert [rule.split(":")[0] for rule in broken] == [
        "a posting does not sum to zero",
        "a posting has no entries",
        "more was refunded than was raised",
    ]
