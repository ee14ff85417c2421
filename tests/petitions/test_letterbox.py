"""The letterbox against a real database: durable when answered, and a broken letter fails alone."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.ids import new_id
from app.petitions.letterbox import CHANNEL, Letterbox, SealedLetter
from tests.conftest import Addresses
from tests.factories import World


@pytest.fixture
async def letterbox(public: Database) -> AsyncIterator[Letterbox]:
    box = Letterbox(public)
    box.start()
    yield box
    await box.stop()


def a_letter(world: World, petition_id: int | None = None) -> SealedLetter:
    return SealedLetter(new_id(), petition_id or world.petition_id, "sign", b"sealed")


def _held(superuser: psycopg.Connection) -> set[str]:
    return {str(row[0]) for row in superuser.execute("select id from intake").fetchall()}


async def test_letters_that_come_together_share_a_transaction(
    letterbox: Letterbox, world: World, superuser: psycopg.Connection
) -> None:
    letters = [a_letter(world) for _ in range(150)]
    await asyncio.gather(*map(letterbox.put, letters))
    assert _held(superuser) == {str(letter.id) for letter in letters}
    transactions = superuser.execute("select count(distinct xmin::text) from intake").fetchone()
    assert transactions == (1,)


async def test_a_letter_with_a_taken_id_fails_alone(
    letterbox: Letterbox, world: World, superuser: psycopg.Connection
) -> None:
    first = a_letter(world)
    await letterbox.put(first)
    letters = [a_letter(world) for _ in range(20)]
    nowhere = a_letter(world, petition_id=999_999)
    answers = await asyncio.gather(
        *map(letterbox.put, [*letters[:10], first, *letters[10:], nowhere]), return_exceptions=True
    )
    failed = [index for index, answer in enumerate(answers) if answer is not None]
    assert failed == [10, 21]
    assert all(isinstance(answers[index], DBAPIError) for index in failed)
    assert _held(superuser) == {str(letter.id) for letter in [first, *letters]}


async def test_a_letter_wakes_the_worker_once_it_is_committed(
    letterbox: Letterbox, world: World, addresses: Addresses
) -> None:
    with psycopg.connect(addresses.internal, autocommit=True) as listener:
        listener.execute(f"listen {CHANNEL}")
        await letterbox.put(a_letter(world))
        assert [n.channel for n in listener.notifies(timeout=5, stop_after=1)] == [CHANNEL]
        assert listener.execute("select count(*) from intake").fetchone() == (1,)


async def test_a_lost_connection_is_told_and_healed(
    letterbox: Letterbox, world: World, superuser: psycopg.Connection
) -> None:
    await letterbox.put(a_letter(world))
    superuser.execute("begin")
    superuser.execute("lock table intake in access exclusive mode")
    waiting = asyncio.create_task(letterbox.put(a_letter(world)))
    for _ in range(100):
        await asyncio.sleep(0.02)
        ended = superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where usename = 'haven_public' and wait_event_type = 'Lock'"
        ).fetchall()
        if ended:
            break
    superuser.execute("rollback")
    with pytest.raises(DatabaseUnavailable):
        await waiting
    assert len(_held(superuser)) == 1, "what was not acknowledged is not there"
    await letterbox.put(a_letter(world))
    assert len(_held(superuser)) == 2
