"""A connection whose server has hung up is replaced before anybody notices."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database, OwnConnection, run_binary
from app.core.errors import DatabaseUnavailable
from tests.conftest import Addresses


async def test_connections_that_were_ended_meanwhile_are_not_handed_out(
    addresses: Addresses, superuser: psycopg.Connection
) -> None:
    database = Database(addresses.public, name="ended-meanwhile")
    try:
        for _ in range(3):
            async with database.begin() as session:
                first = await session.scalar(text("select pg_backend_pid()"))
            superuser.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where application_name = 'ended-meanwhile'"
            )
            async with database.begin() as session:
                second = await session.scalar(text("select pg_backend_pid()"))
            assert first != second
    finally:
        await database.close()


async def test_a_connection_that_lives_is_kept(addresses: Addresses) -> None:
    database = Database(addresses.public)
    try:
        pids = set()
        for _ in range(5):
            async with database.begin() as session:
                pids.add(await session.scalar(text("select pg_backend_pid()")))
        assert len(pids) == 1
    finally:
        await database.close()


MARK = "insert into mail_allowances (address_hash) values (%(hash)b)"
COUNT = "select count(*) from mail_allowances"


async def test_an_own_connection_commits_each_statement_and_is_replaced_when_ended(
    addresses: Addresses, superuser: psycopg.Connection
) -> None:
    database = Database(addresses.internal, name="own")
    own = database.own_connection()
    try:
        for number in range(3):
            await own.run(MARK, {"hash": bytes([number])})
            assert superuser.execute(COUNT).fetchone() == (number + 1,)
            superuser.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'own'"
            )
    finally:
        await database.close()
    left = superuser.execute("select count(*) from pg_stat_activity where application_name = 'own'")
    assert left.fetchone() == (0,)


async def test_an_own_connection_survives_a_statement_that_fails_and_says_no_values(
    addresses: Addresses, superuser: psycopg.Connection
) -> None:
    database = Database(addresses.internal)
    own = database.own_connection()
    try:
        await own.run(MARK, {"hash": b"suzie"})
        with pytest.raises(DBAPIError) as failed:
            await own.run(MARK, {"hash": b"suzie"})
        assert "suzie" not in repr(failed.value.params)
        await own.run(MARK, {"hash": b"tom"})
    finally:
        await database.close()
    assert superuser.execute(COUNT).fetchone() == (2,)


async def test_an_own_connection_that_was_given_up_is_not_used_again(
    addresses: Addresses, superuser: psycopg.Connection
) -> None:
    database = Database(addresses.internal)
    own = database.own_connection()
    superuser.execute("begin")
    superuser.execute("lock table mail_allowances in access exclusive mode")
    try:
        waiting = asyncio.create_task(own.run(MARK, {"hash": b"first"}))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        superuser.execute("rollback")
        await own.run(MARK, {"hash": b"second"})
    finally:
        await database.close()
    assert superuser.execute("select address_hash from mail_allowances").fetchall() == [(b"second",)]


async def test_an_own_connection_waits_for_no_statement_for_ever(
    addresses: Addresses, superuser: psycopg.Connection
) -> None:
    own = OwnConnection(addresses.internal, prepare=True, name="bounded", longest=0.3)
    superuser.execute("begin")
    superuser.execute("lock table mail_allowances in access exclusive mode")
    try:
        async with asyncio.timeout(20):
            with pytest.raises(DatabaseUnavailable):
                await own.run(MARK, {"hash": b"first"})
        superuser.execute("rollback")
        await own.run("select 1", {})
    finally:
        await own.close()
    assert superuser.execute(COUNT).fetchone() == (0,)


async def test_a_server_that_is_not_there_is_told_as_such() -> None:
    database = Database("postgresql://nobody:none@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await database.own_connection().run("select 1", {})
    await database.close()


async def test_binary_statements_fail_as_others_do(internal: Database, superuser: psycopg.Connection) -> None:
    superuser.execute("insert into mail_allowances (address_hash) values ('suzie')")

    async def marked_twice() -> None:
        async with internal.begin() as session:
            await run_binary(session, MARK, {"hash": b"other"})
            await run_binary(session, MARK, {"hash": b"suzie"})

    async def ended() -> None:
        async with internal.begin() as session:
            pid = await session.scalar(text("select pg_backend_pid()"))
            superuser.execute("select pg_terminate_backend(%s, 5000)", (pid,))
            await run_binary(session, "select 1", {})

    with pytest.raises(DBAPIError):
        await marked_twice()
    assert superuser.execute(COUNT).fetchone() == (1,), "the transaction is rolled back"
    with pytest.raises(DatabaseUnavailable):
        await ended()
