"""Petitions are read from memory: by one at a time, and also while the database is away."""

import asyncio

import pytest

from app.core.clock import FrozenClock
from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.petitions.errors import PetitionNotFound
from app.petitions.remembering import PublishedPetitions
from tests.factories import World

NOWHERE = "postgresql://haven_public:none@127.0.0.1:1/none"


async def test_what_was_read_is_shown_while_the_database_is_away_but_not_for_ever(
    public: Database, clock: FrozenClock, world: World
) -> None:
    petitions = PublishedPetitions(public, clock, max_age=0)
    read = await petitions.get(world.petition_slug)
    away = Database(NOWHERE)
    petitions._database = away

    assert await petitions.get(world.petition_slug) is read
    with pytest.raises(DatabaseUnavailable):
        await petitions.fresh(world.petition_slug)
    with pytest.raises(DatabaseUnavailable):
        await petitions.get("never-read")

    petitions._stale_for = 0
    with pytest.raises(DatabaseUnavailable):
        await petitions.get(world.petition_slug)
    await away.close()


async def test_one_reads_and_nobody_waits(
    public: Database, clock: FrozenClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    petitions = PublishedPetitions(public, clock, max_age=0)
    old = await petitions.get(world.petition_slug)
    slow, reads = asyncio.Event(), []
    fresh = petitions.fresh

    async def counted(slug: str) -> object:
        reads.append(slug)
        await slow.wait()
        return await fresh(slug)

    monkeypatch.setattr(petitions, "fresh", counted)
    reading = asyncio.create_task(petitions.get(world.petition_slug))
    await asyncio.sleep(0)

    others = await asyncio.gather(*(petitions.get(world.petition_slug) for _ in range(20)))

    assert len(reads) == 1
    assert all(other is old for other in others)
    slow.set()
    assert await reading is not old
    assert await petitions.get(world.petition_slug) is not old


async def test_an_unknown_petition_is_asked_for_each_time(public: Database, clock: FrozenClock) -> None:
    petitions = PublishedPetitions(public, clock)
    for _ in range(2):
        with pytest.raises(PetitionNotFound):
            await petitions.get("no-such-petition")
