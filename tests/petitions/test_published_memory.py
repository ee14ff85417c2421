"""Petitions are read from memory: by one at a time, and also while the database is away."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import event

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


@pytest.fixture
def many(owner: psycopg.Connection, superuser: psycopg.Connection, world: World) -> Iterator[list[str]]:
    """Forty more petitions with their texts."""
    slugs = [f"one-of-many-{number}" for number in range(40)]
    owner.execute(
        "with made as (insert into petitions (campaign_id, slug, state, target, goal, opened_at) "
        "select p.campaign_id, s, 'open', p.target, p.goal, now() "
        "from petitions p, unnest(%s::text[]) s where p.id = %s returning id) "
        "insert into petition_text_versions (petition_id, number, title, body, asks) "
        "select m.id, 1, v.title, v.body, v.asks from made m, petition_text_versions v where v.id = %s",
        [slugs, world.petition_id, world.text_version_id],
    )
    yield slugs
    superuser.execute("set session_replication_role = replica")
    for statement in (
        (
            "delete from petition_text_versions v using petitions p "
            "where p.id = v.petition_id and p.slug = any (%s)"
        ),
        "delete from petitions where slug = any (%s)",
    ):
        superuser.execute(statement, [slugs])


async def test_one_query_brings_all_of_them_up_to_date(
    public: Database, clock: FrozenClock, many: list[str], superuser: psycopg.Connection
) -> None:
    petitions = PublishedPetitions(public, clock)
    for slug in many:
        await petitions.get(slug)
    await petitions.refresh()  # takes over the marks
    superuser.execute(
        "insert into petition_counts (petition_id, counted) "
        "select id, 7 from petitions where slug = any (%s)",
        [many],
    )
    statements: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(public.engine.sync_engine, "before_cursor_execute", heard)
    try:
        await petitions.refresh()
    finally:
        event.remove(public.engine.sync_engine, "before_cursor_execute", heard)

    assert len(statements) == 1
    assert [(await petitions.get(slug)).count for slug in many] == [7] * len(many)


async def test_what_nobody_asks_for_is_let_go(
    public: Database, clock: FrozenClock, many: list[str], world: World
) -> None:
    petitions = PublishedPetitions(public, clock, idle_for=0.2)
    for slug in [*many, world.petition_slug]:
        await petitions.get(slug)
    await asyncio.sleep(0.3)  # the time that is measured
    petitions.held(world.petition_slug)

    await petitions.refresh()

    assert set(petitions._held) == set(petitions._asked) == {world.petition_slug}
    assert set(petitions._slugs.values()) == {world.petition_slug}
