"""Confirming together: durable when answered, a broken one fails alone, and what is lost is said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import DataError

from app.core.clock import SystemClock
from app.core.db import Database
from app.core.errors import DatabaseUnavailable, Overloaded
from app.core.tokens import link_hash, new_token
from app.petitions.errors import LinkUnknown
from app.petitions.linking import Confirmer
from app.petitions.remembering import PublishedPetitions
from app.petitions.resolving import Resolver
from tests.factories import World
from tests.petitions.conftest import Signer, a_form

Pending = Callable[[int], Awaitable[list[str]]]
_FIGURES = """
    select (select count(*) from signatures where state = 'confirmed'),
           (select coalesce(sum(counted), 0) from petition_counts),
           (select coalesce(sum(confirmed), 0) from tallies where dimension = 'all')
"""


@pytest.fixture
async def confirmer(public: Database) -> AsyncIterator[Confirmer]:
    confirmer = Confirmer(public)
    confirmer.start()
    yield confirmer
    await confirmer.stop()


@pytest.fixture
def pending(
    sign: Signer, resolver: Resolver, superuser: psycopg.Connection, token_of: Callable[..., str]
) -> Pending:
    """So many signatures that wait for their confirmation; gives the tokens of their links."""

    async def make(count: int) -> list[str]:
        await sign(*(a_form(email=f"s{number}@example.com") for number in range(count)))
        while await resolver.run():
            pass
        return [token_of(row[0]) for row in superuser.execute("select id from signatures order by id")]

    return make


@pytest.fixture
def trap(superuser: psycopg.Connection) -> Iterator[Callable[..., None]]:
    """Has PostgreSQL refuse to confirm one signature, at once or when its transaction commits."""

    def lay(token: str, sqlstate: str, when: str = "") -> None:
        superuser.execute(
            sql.SQL(
                "create function trapped() returns trigger language plpgsql as "
                "$$ begin raise 'trapped' using errcode = {}; end $$"
            ).format(sql.Literal(sqlstate))
        )
        superuser.execute(
            sql.SQL(
                "create constraint trigger trap after update on signatures {} "
                "for each row when (new.link_hash = {}) execute function trapped()"
            ).format(sql.SQL(when), sql.Literal(link_hash(token)))
        )

    yield lay
    superuser.execute("drop trigger if exists trap on signatures")
    superuser.execute("drop function if exists trapped")


def figures(superuser: psycopg.Connection) -> tuple[int, ...]:
    """Rows, counter, tallies."""
    row = superuser.execute(_FIGURES).fetchone()
    assert row is not None
    return tuple(int(number) for number in row)


async def until_waiting(superuser: psycopg.Connection, count: int = 1) -> None:
    """Until so many of our statements wait for a lock."""
    query = """
        select count(*) from pg_stat_activity
         where wait_event_type = 'Lock' and query ~ 'confirm_sign' and datname = current_database()
    """
    async with asyncio.timeout(20):
        while superuser.execute(query).fetchone() != (count,):
            superuser.execute("select pg_stat_clear_snapshot()")  # else one transaction sees one state
            await asyncio.sleep(0.02)


async def test_those_who_come_together_share_a_transaction(
    confirmer: Confirmer, pending: Pending, superuser: psycopg.Connection, world: World
) -> None:
    tokens = await pending(60)

    slugs = await asyncio.gather(*map(confirmer.confirm, [*tokens, *tokens[:5]]))

    assert set(slugs) == {world.petition_slug}
    assert figures(superuser) == (60, 60, 60)
    assert superuser.execute("select count(distinct xmin::text) from signatures").fetchone() == (1,)


async def test_a_broken_one_fails_alone(
    confirmer: Confirmer, pending: Pending, superuser: psycopg.Connection, trap: Callable[..., None]
) -> None:
    tokens = await pending(9)
    trap(tokens[4], "22000")

    answers = await asyncio.gather(
        *map(confirmer.confirm, [*tokens, new_token(), "no token"]), return_exceptions=True
    )

    failed = {index: type(answer) for index, answer in enumerate(answers) if not isinstance(answer, str)}
    assert failed == {4: DataError, 9: LinkUnknown, 10: LinkUnknown}
    assert figures(superuser) == (8, 8, 8)


async def test_a_commit_that_fails_confirms_nobody_and_says_so(
    confirmer: Confirmer, pending: Pending, superuser: psycopg.Connection, trap: Callable[..., None]
) -> None:
    tokens = await pending(5)
    trap(tokens[2], "53100", "deferrable initially deferred")  # disk_full, found out by COMMIT

    answers = await asyncio.gather(*map(confirmer.confirm, tokens), return_exceptions=True)

    assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    assert all(isinstance(answer, Overloaded) and answer.retry_after for answer in answers)
    assert figures(superuser) == (0, 0, 0)
    superuser.execute("drop trigger trap on signatures")
    await asyncio.gather(*map(confirmer.confirm, tokens))
    assert figures(superuser) == (5, 5, 5)


async def test_a_lost_connection_is_told_and_replaced(
    confirmer: Confirmer, pending: Pending, superuser: psycopg.Connection
) -> None:
    tokens = await pending(3)
    await confirmer.confirm(tokens[0])
    with superuser.transaction():
        superuser.execute("select from signatures where link_hash = %s for update", [link_hash(tokens[1])])
        waiting = asyncio.create_task(confirmer.confirm(tokens[1]))
        await until_waiting(superuser)
        superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where wait_event_type = 'Lock' and query ~ 'confirm_sign'"
        )
        with pytest.raises(DatabaseUnavailable):
            await waiting

    await asyncio.gather(*map(confirmer.confirm, tokens))

    assert figures(superuser) == (3, 3, 3)


async def test_a_connection_that_ended_while_idle_is_noticed_by_nobody(
    confirmer: Confirmer, pending: Pending, superuser: psycopg.Connection
) -> None:
    tokens = await pending(2)
    await confirmer.confirm(tokens[0])
    superuser.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where query ~ 'from confirm_sign' "
        "and pid <> pg_backend_pid()"
    )

    await confirmer.confirm(tokens[1])

    assert figures(superuser) == (2, 2, 2)


async def test_the_queue_is_bounded(
    public: Database, pending: Pending, superuser: psycopg.Connection
) -> None:
    tokens = await pending(6)
    confirmer = Confirmer(public, capacity=2)
    confirmer.start()
    with superuser.transaction():
        superuser.execute("select from signatures for update")
        first = asyncio.create_task(confirmer.confirm(tokens[0]))
        await until_waiting(superuser)
        others = [asyncio.create_task(confirmer.confirm(token)) for token in tokens[1:]]
        done, _ = await asyncio.wait(others, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert {type(task.exception()) for task in done} == {Overloaded}

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert [isinstance(answer, Overloaded) for answer in answers] == [False, False, False, True, True, True]
    assert figures(superuser) == (3, 3, 3)
    await confirmer.stop()


async def test_what_one_process_confirms_another_shows_within_a_second(
    public: Database, pending: Pending, world: World
) -> None:
    tokens = await pending(2)
    here, there = PublishedPetitions(public, SystemClock()), PublishedPetitions(public, SystemClock())
    confirmer = Confirmer(public, here.count)
    confirmer.start()
    for petitions in (here, there):
        await petitions.get(world.petition_slug)
        petitions.start()

    await asyncio.gather(*map(confirmer.confirm, tokens))
    assert (await here.get(world.petition_slug)).count == 2, "at once where it was confirmed"
    async with asyncio.timeout(5):  # a second, and what a busy machine adds
        while True:
            held = there.held(world.petition_slug)
            if held is not None and held.petition.count == 2:
                break
            await asyncio.sleep(0.02)

    for part in (confirmer, here, there):
        await part.stop()
