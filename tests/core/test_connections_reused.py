"""A connection whose server has hung up is replaced before anybody notices."""

import psycopg
from sqlalchemy import text

from app.core.db import Database
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
