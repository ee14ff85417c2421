"""A process on the ladder: what it reads off, what it leaves out, what it tells and what it is told."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from app.core.clock import FrozenClock
from app.core.db import Database
from app.core.errors import DatabaseUnavailable, Overloaded
from app.core.ids import new_id
from app.crypto.sealing import Sealer
from app.petitions.breakdowns import Breakdowns
from app.petitions.letterbox import Letterbox, SealedLetter
from app.petitions.remembering import PublishedPetitions
from app.petitions.surge_watching import SurgeWatch
from app.petitions.surging import LADDER, Step
from app.reports.surges import read_surge
from tests.factories import World
from tests.petitions.conftest import Signer, a_form

NOWHERE = "postgresql://haven_public:none@127.0.0.1:1/none"
FILL = """
    insert into intake (id, petition_id, kind, sealed, received_at)
    select gen_random_uuid(), %s, 'sign', 'x', now() - interval '90 s' from generate_series(1, %s)
"""


def put_on(surge: SurgeWatch, step: Step) -> None:
    surge._ladder.step = step


@pytest.fixture
def now() -> list[float]:
    """The one entry is the time."""
    return [1_000.0]


@pytest.fixture
def watched(public: Database, now: list[float]) -> SurgeWatch:
    letterbox = Letterbox(public, capacity=40)
    return SurgeWatch(public, "public", letterbox, backlog_capacity=100, clock=lambda: now[0])


async def counted_anew(superuser: psycopg.Connection) -> None:
    """As if a second had gone by since letters were counted."""
    superuser.execute("update letterbox_states set counted_at = counted_at - interval '1 s'")


async def test_letters_that_nobody_resolves_lead_up_and_their_end_leads_down(
    watched: SurgeWatch, superuser: psycopg.Connection, world: World, now: list[float]
) -> None:

    async def look(letters: int) -> Step:
        superuser.execute("delete from intake")
        superuser.execute(FILL, (world.petition_id, letters))
        await counted_anew(superuser)
        await watched.tell()
        now[0] += 6
        return watched.look()

    found = [await look(letters) for letters in (9, 10, 20, 35, 50, 90, 60, 59, 30, 29, 19, 9, 4)]

    up, down = [0, 1, 2, 3, 4, 5], [5, 5, 4, 3, 2, 1, 0]
    assert found == [*up, *down], "the first look below a threshold begins the quiet time"


async def test_letters_in_memory_lead_up_and_the_top_turns_signers_away(
    watched: SurgeWatch, now: list[float]
) -> None:
    box = watched._letterbox
    assert box is not None
    for _ in range(36):
        box._writer._waiting.put_nowait(None)  # type: ignore[arg-type]  # nobody writes them
    steps: list[Step] = []
    while not steps or steps[-1] < Step.REFUSE:
        now[0] += 0.5
        steps.append(watched.look())
    assert steps == list(Step)[1:]
    with pytest.raises(Overloaded) as refused:
        watched.admit()
    assert refused.value.retry_after


async def test_letters_that_wait_for_a_database_that_is_away_are_no_surge(
    public: Database, sealer: Sealer, world: World, now: list[float]
) -> None:
    nowhere = Database(NOWHERE)
    box = Letterbox(nowhere, capacity=40)
    surge = SurgeWatch(nowhere, "public", box, clock=lambda: now[0])
    letter = SealedLetter(new_id(), world.petition_id, "sign", sealer.seal({}, new_id()))
    box.start()
    with pytest.raises(DatabaseUnavailable):
        await box.put(letter)
    await box.stop()
    for _ in range(36):
        box._writer._waiting.put_nowait(None)  # type: ignore[arg-type]  # a server that is silent has them wait
    assert surge.pressure().level == 0
    box._connection = public.own_connection()
    await box._write([letter])
    assert surge.pressure().level == 36 / 40
    await nowhere.close()


@pytest.mark.parametrize("step", Step)
def test_each_step_leaves_out_what_the_ones_below_do_and_one_thing_more(public: Database, step: Step) -> None:
    surge = SurgeWatch(public, "public")
    put_on(surge, step)
    shed = [surge.sheds_breakdowns, surge.sheds_signers, surge.sheds_mail, surge.asks_work]
    assert shed == [step >= rung.step for rung in LADDER[:-1]]
    if step < Step.REFUSE:
        surge.admit()


async def test_staff_see_every_process_and_a_worker_heeds_the_highest(
    watched: SurgeWatch, public: Database, internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    worker = SurgeWatch(internal, "worker")
    superuser.execute(FILL, (world.petition_id, 7))
    put_on(watched, Step.MAIL)
    await watched.tell()
    assert not worker.sheds_mail
    await worker.tell()

    assert worker.sheds_mail
    async with internal.begin() as session:
        seen = await read_surge(session)
    assert (seen.letters, seen.step) == (7, Step.MAIL)
    assert 90 <= seen.oldest_seconds <= 120
    assert [(p.role, p.step, p.waiting, p.capacity) for p in seen.processes] == [
        ("public", Step.MAIL, 0, 40),
        ("worker", Step.CALM, 0, 0),
    ]
    put_on(watched, Step.SIGNERS)
    await watched.tell()
    await worker.tell()
    assert not worker.sheds_mail


async def test_a_process_that_is_silent_is_not_heeded_and_then_forgotten(
    watched: SurgeWatch, internal: Database, superuser: psycopg.Connection
) -> None:
    worker = SurgeWatch(internal, "worker")
    put_on(watched, Step.REFUSE)
    await watched.tell()
    superuser.execute("update process_states set seen_at = now() - interval '11 s'")
    await counted_anew(superuser)
    await worker.tell()
    assert not worker.sheds_mail
    async with internal.begin() as session:
        assert [p.role for p in (await read_surge(session)).processes] == ["worker"]
    superuser.execute("update process_states set seen_at = now() - interval '61 s' where role = 'public'")
    await counted_anew(superuser)
    await worker.tell()
    assert superuser.execute("select role from process_states").fetchall() == [("worker",)]


async def test_a_public_process_speaks_for_no_worker_and_reads_no_state(public: Database) -> None:
    liar = SurgeWatch(public, "worker")
    put_on(liar, Step.REFUSE)
    await liar.tell()
    assert liar._told.highest == Step.REFUSE, "counted among the public ones"
    async with public.begin() as session:
        with pytest.raises(Exception, match="permission denied"):
            await session.execute(text("select * from process_states"))


async def test_a_table_that_somebody_locks_is_not_waited_for(
    watched: SurgeWatch, addresses: object, superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute(FILL, (world.petition_id, 3))
    await watched.tell()
    superuser.execute(FILL, (world.petition_id, 3))
    await counted_anew(superuser)
    with superuser.transaction():
        superuser.execute("lock table intake in access exclusive mode")
        await asyncio.wait_for(watched.tell(), 5)
        assert watched.pressure().backlog == 3
    await watched.tell()
    assert watched.pressure().backlog == 6


async def test_after_a_crash_of_the_server_both_tables_fill_by_themselves(
    watched: SurgeWatch, superuser: psycopg.Connection
) -> None:
    await watched.tell()
    superuser.execute("truncate process_states, letterbox_states")
    await watched.tell()
    assert superuser.execute("select count(*) from process_states").fetchone() == (1,)
    kept = superuser.execute("select relname, relpersistence from pg_class where relname like '%\\_states'")
    assert {persistence for _, persistence in kept.fetchall()} == {"u"}


async def test_while_the_database_is_away_what_it_said_last_stands(watched: SurgeWatch) -> None:
    watched._told.backlog = 50
    watched._database = Database(NOWHERE)
    with pytest.raises(DatabaseUnavailable):
        await watched.tell()
    assert watched.pressure().level == 0.5
    await watched._database.close()


async def test_a_shed_breakdown_is_the_last_known_one_with_its_age(
    public: Database, clock: FrozenClock, world: World, superuser: psycopg.Connection
) -> None:
    shed = False
    breakdowns = Breakdowns(public, clock, lambda: shed)
    tally = (
        "insert into tallies (petition_id, dimension, value, utc_hour, confirmed) values (%s, %s, %s, %s, 2)"
    )
    superuser.execute(tally, (world.petition_id, "country", "UA", clock.now()))
    before = await breakdowns.read(world.petition_id, "country", "Europe/London")
    assert (before.rows, before.age) == ((("UA", 2),), 0)
    superuser.execute("delete from tallies")
    shed = True
    breakdowns._held[world.petition_id, "country"] = (
        before,
        breakdowns._held[world.petition_id, "country"][1] - 61,
    )
    again = await breakdowns.read(world.petition_id, "country", "Europe/London")
    assert (again.rows, again.as_of) == (before.rows, before.as_of)
    assert 61 <= again.age < 70
    with pytest.raises(Overloaded):
        await breakdowns.read(world.petition_id, "day", "Europe/London")
    shed = False
    assert (await breakdowns.read(world.petition_id, "country", "Europe/London")).rows == ()


async def test_a_breakdown_is_shown_while_the_database_is_away(
    public: Database, clock: FrozenClock, world: World
) -> None:
    breakdowns = Breakdowns(public, clock, lambda: False)
    known = await breakdowns.read(world.petition_id, "country", "Europe/London")
    breakdowns._database = Database(NOWHERE)
    assert (await breakdowns.read(world.petition_id, "country", "Europe/London")).as_of == known.as_of
    with pytest.raises(DatabaseUnavailable):
        await breakdowns.read(world.petition_id, "region", "Europe/London")
    await breakdowns._database.close()


async def test_what_is_remembered_is_bounded(
    public: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.petitions.breakdowns._MOST_HELD", 3)
    breakdowns = Breakdowns(public, clock, lambda: False)
    for petition in range(9):
        await breakdowns.read(petition, "country", "Europe/London")
    assert sorted(petition for petition, _ in breakdowns._held) == [6, 7, 8]


async def test_recent_signers_are_left_out_without_a_query_and_come_back(
    public: Database,
    clock: FrozenClock,
    world: World,
    sign: Signer,
    superuser: psycopg.Connection,
    resolver: object,
) -> None:
    await sign(a_form())
    await resolver.run()  # type: ignore[attr-defined]  # the worker's own
    superuser.execute(
        "insert into published_signers (signature_id, petition_id, name) "
        "select id, petition_id, 'Suzie' from signatures"
    )
    shed = False
    petitions = PublishedPetitions(public, clock, sheds_signers=lambda: shed)
    await petitions.get(world.petition_slug)
    await petitions.refresh()
    held = petitions.held(world.petition_slug)
    assert held is not None
    assert [s.name for s in held.petition.shown_signers] == ["Suzie"]
    shed = True
    await petitions.refresh()
    left_out = petitions.held(world.petition_slug)
    assert left_out is not None
    assert left_out.petition.shown_signers == ()
    assert left_out.edition != held.edition, "pages are made anew"
    await petitions.refresh()
    assert petitions.held(world.petition_slug).edition == left_out.edition  # type: ignore[union-attr]
    shed = False
    await petitions.refresh()
    back = petitions.held(world.petition_slug)
    assert back is not None
    assert [s.name for s in back.petition.shown_signers] == ["Suzie"]
