"""Waking up when another process commits."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from app.core.listening import Listener
from tests.conftest import Addresses
from tests.factories import World


@pytest.fixture
async def listener(addresses: Addresses, world: World) -> AsyncIterator[Listener]:
    made = Listener(addresses.internal, ["one", "other"])
    task = asyncio.create_task(made.run())
    for channel in ("one", "other"):  # the first wake-up: something may have come before
        await made.wait(channel, 5)
    yield made
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def waited(listener: Listener, channel: str, at_most: float) -> float:
    started = time.perf_counter()
    await listener.wait(channel, at_most)
    return time.perf_counter() - started


async def test_a_notification_wakes_its_channel_alone(
    listener: Listener, superuser: psycopg.Connection
) -> None:
    waiting = asyncio.create_task(waited(listener, "one", 5))
    other = asyncio.create_task(waited(listener, "other", 0.4))
    await asyncio.sleep(0.05)
    superuser.execute("notify one")
    assert await waiting < 1
    assert await other >= 0.39


async def test_one_that_came_while_nobody_waited_counts(
    listener: Listener, superuser: psycopg.Connection
) -> None:
    superuser.execute("notify one")
    await asyncio.sleep(0.2)
    assert await waited(listener, "one", 5) < 0.1
    assert await waited(listener, "one", 0.2) >= 0.19, "and is taken once"


async def test_nothing_comes_before_the_commit(listener: Listener, superuser: psycopg.Connection) -> None:
    superuser.execute("begin")
    superuser.execute("notify one")
    assert await waited(listener, "one", 0.3) >= 0.29
    superuser.execute("commit")
    assert await waited(listener, "one", 5) < 1


async def test_a_lost_connection_is_made_again(listener: Listener, superuser: psycopg.Connection) -> None:
    superuser.execute("select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'")
    assert await waited(listener, "one", 5) < 3, "once it is back, something may have been missed"
    await listener.wait("one", 0.1)
    waiting = asyncio.create_task(waited(listener, "one", 5))
    await asyncio.sleep(0.1)
    superuser.execute("notify one")
    assert await waiting < 1
