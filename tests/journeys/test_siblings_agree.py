"""What one public process has answered is seen in the other's figures a moment later."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from devtools.load.connection import Connection
from tests.journeys.figures import PETITION
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import person
from tests.journeys.running import PUBLIC_PROCESSES, Running
from tests.journeys.signing import sign

COUNT = f"/api/v1/petitions/{PETITION}/count"
CONFIRMATIONS = 5
SEEN_SECONDS = 1.0
LATE_SECONDS = 2.0
"""What a busy machine may add, once."""


async def process_of(connection: Connection) -> str:
    """Which process answers on a connection: its request ids begin alike."""
    return (await connection.request("GET", "/healthz")).headers["x-request-id"][:-12]


@pytest.fixture
async def siblings(running: Running) -> AsyncIterator[list[Connection]]:
    """A connection to each of the public processes."""
    found: dict[str, Connection] = {}
    spare: list[Connection] = []
    while len(found) < PUBLIC_PROCESSES:
        connection = Connection(running.public)
        name = await process_of(connection)
        assert len(spare) < 200, "there is but one process"
        if name in found:
            spare.append(connection)  # held, so that the next one goes elsewhere
        else:
            found[name] = connection
    yield list(found.values())
    for connection in (*found.values(), *spare):
        connection.close()


async def test_a_confirmation_by_one_is_in_the_count_of_the_other(
    api: httpx.AsyncClient, siblings: list[Connection], mailbox: Mailbox
) -> None:
    seen_after = []
    # Whoever has confirmed just before, elsewhere, is in both by then.
    await asyncio.sleep(SEEN_SECONDS + 0.5)
    for number in range(CONFIRMATIONS):
        one, other = siblings[number % 2], siblings[1 - number % 2]
        somebody = person("Suzie Fenn")
        await sign(api, somebody)
        token = (await mailbox.newest(somebody.email)).token
        before = await count(other)
        answer = await one.request("POST", "/api/v1/signatures/confirm", {"token": token})
        acknowledged_at = time.monotonic()
        assert answer.status == 200
        assert await count(one) == before + 1, "it does not know what it has just answered"
        while await count(other) == before:
            assert time.monotonic() - acknowledged_at < SEEN_SECONDS + LATE_SECONDS
            await asyncio.sleep(0.02)
        seen_after.append(time.monotonic() - acknowledged_at)
        assert await count(other) == before + 1
    assert sorted(seen_after)[CONFIRMATIONS // 2] < SEEN_SECONDS + 0.3, seen_after


async def count(connection: Connection) -> int:
    """The counter, as the process behind a connection shows it."""
    shown = (await connection.request("GET", COUNT)).json()
    assert isinstance(shown, dict)
    return int(shown["count"])
