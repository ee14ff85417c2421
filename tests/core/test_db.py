"""The unit of work: all or nothing, and errors that say whether another try may help."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database, async_url, libpq_url, psycopg_connection
from app.core.errors import DatabaseUnavailable, Overloaded
from tests.conftest import Addresses
from tests.factories import World
from tests.ports import free_port

ADD = text("insert into mail_allowances (address_hash) values (:h)")


def _kept(superuser: psycopg.Connection) -> int:
    row = superuser.execute("select count(*) from mail_allowances").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_block_that_ends_well_is_committed(internal: Database, superuser: psycopg.Connection) -> None:
    async with internal.begin() as session:
        await session.execute(ADD, {"h": b"a"})
        assert _kept(superuser) == 0, "not before the block has ended"
    assert _kept(superuser) == 1


async def test_a_block_that_raises_leaves_nothing(internal: Database, superuser: psycopg.Connection) -> None:
    async def broken() -> None:
        async with internal.begin() as session:
            await session.execute(ADD, {"h": b"a"})
            raise KeyError("x")

    with pytest.raises(KeyError):
        await broken()
    assert _kept(superuser) == 0


async def test_a_cancelled_block_leaves_nothing_and_gives_its_connection_back(
    addresses: Addresses, world: World, superuser: psycopg.Connection
) -> None:
    database = Database(addresses.internal, pool_size=1)
    written = asyncio.Event()

    async def work() -> None:
        async with database.begin() as session:
            await session.execute(ADD, {"h": b"a"})
            written.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.begin() as session:
        assert await session.scalar(text("select count(*) from mail_allowances")) == 0
    await database.close()


@pytest.mark.parametrize("when", ["before a statement", "before the commit"])
async def test_a_lost_connection_is_unavailable(
    internal: Database, superuser: psycopg.Connection, when: str
) -> None:
    async def broken() -> None:
        async with internal.begin() as session:
            await session.execute(ADD, {"h": b"a"})
            pid = await session.scalar(text("select pg_backend_pid()"))
            superuser.execute("select pg_terminate_backend(%s, 2000)", (pid,))
            if when == "before a statement":
                await session.execute(ADD, {"h": b"b"})

    with pytest.raises(DatabaseUnavailable):
        await broken()
    assert _kept(superuser) == 0
    async with internal.begin() as session:
        await session.execute(ADD, {"h": b"c"})
    assert _kept(superuser) == 1


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database(f"postgresql://x:y@127.0.0.1:{free_port()}/z", pool_size=1)
    with pytest.raises(DatabaseUnavailable):
        async with database.begin() as session:
            await session.execute(text("select 1"))
    await database.close()


async def test_a_statement_that_waits_in_a_circle_is_unavailable(internal: Database) -> None:
    async with internal.begin() as session:
        for key in (b"a", b"b"):
            await session.execute(ADD, {"h": key})
    touch = text("update mail_allowances set queued_at = queued_at where address_hash = :h")
    met = asyncio.Barrier(2)

    async def cross(first: bytes, second: bytes) -> None:
        async with internal.begin() as session:
            await session.execute(touch, {"h": first})
            await met.wait()
            await session.execute(touch, {"h": second})

    answers = await asyncio.gather(cross(b"a", b"b"), cross(b"b", b"a"), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["DatabaseUnavailable", "NoneType"]


async def test_a_wrong_statement_is_no_matter_of_time(internal: Database) -> None:
    with pytest.raises(DBAPIError) as error:
        async with internal.begin() as session:
            await session.execute(text("select * from nowhere where x = :secret"), {"secret": "Suzie"})
    assert "Suzie" not in str(error.value)


async def test_a_pool_that_is_empty_says_so(
    addresses: Addresses, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(addresses.internal, pool_size=1)
    monkeypatch.setattr(database.engine.sync_engine.pool, "_timeout", 0.2)
    async with database.begin() as session:
        await session.execute(text("select 1"))
        with pytest.raises(Overloaded) as refusal:
            async with database.begin() as other:
                await other.execute(text("select 1"))
    assert not isinstance(refusal.value, DatabaseUnavailable)
    await database.close()


async def test_a_job_shares_the_sessions_connection(internal: Database) -> None:
    async with internal.begin() as session:
        connection = await psycopg_connection(session)
        mine = await session.scalar(text("select pg_backend_pid()"))
        assert connection.info.backend_pid == mine


def test_addresses_for_sqlalchemy_and_for_libpq() -> None:
    given = "postgresql+psycopg://login:p%40ss@db:6432/haven?sslmode=require"
    assert async_url(libpq_url(given)) == given
    assert libpq_url(given) == "postgresql://login:p%40ss@db:6432/haven?sslmode=require"
