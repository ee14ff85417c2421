"""Jobs exist when, and only when, the change that needs them does."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.jobs.deferring import defer
from app.jobs.running import Job, build_app, take_up_stalled
from tests.conftest import Addresses

ADD = text(
    "insert into idempotency_keys (key_hash, body_hash, donation_id) values (:h, '', gen_random_uuid())"
)


def _jobs(superuser: psycopg.Connection) -> list[tuple[object, ...]]:
    return superuser.execute(
        "select task_name, args, queueing_lock from procrastinate_jobs order by id"
    ).fetchall()


async def test_a_job_comes_with_its_change(public: Database, superuser: psycopg.Connection) -> None:
    async with public.begin() as session:
        await session.execute(ADD, {"h": b"a"})
        await defer(session, "donations:settle", donation_id="d-1", attempt=2)
        assert _jobs(superuser) == [], "not before the commit"
    assert _jobs(superuser) == [("donations:settle", {"donation_id": "d-1", "attempt": 2}, None)]


async def test_a_job_goes_with_its_change(public: Database, superuser: psycopg.Connection) -> None:
    async def fails() -> None:
        async with public.begin() as session:
            await defer(session, "donations:settle", donation_id="d-1")
            raise KeyError("x")

    with pytest.raises(KeyError):
        await fails()
    assert _jobs(superuser) == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_connection_leaves_no_job(
    public: Database, superuser: psycopg.Connection, when: str
) -> None:
    async def fails() -> None:
        async with public.begin() as session:
            pid = await session.scalar(text("select pg_backend_pid()"))
            if when == "after":
                await defer(session, "donations:settle", donation_id="d-1")
            superuser.execute("select pg_terminate_backend(%s, 2000)", (pid,))
            if when == "before":
                await defer(session, "donations:settle", donation_id="d-1")

    with pytest.raises(DatabaseUnavailable):
        await fails()
    assert _jobs(superuser) == []


async def test_a_second_job_under_a_lock_is_the_first_and_the_change_stays(
    public: Database, superuser: psycopg.Connection
) -> None:
    for key in (b"a", b"b"):
        async with public.begin() as session:
            await session.execute(ADD, {"h": key + b"1"})
            await defer(session, "donations:settle", queueing_lock="d-1", donation_id="d-1")
            await session.execute(ADD, {"h": key + b"2"})
    assert len(_jobs(superuser)) == 1
    assert superuser.execute("select count(*) from idempotency_keys").fetchone() == (4,)


async def test_two_at_once_under_a_lock_are_one(public: Database, superuser: psycopg.Connection) -> None:
    async def once(key: bytes) -> None:
        async with public.begin() as session:
            await session.execute(ADD, {"h": key})
            await defer(session, "donations:settle", queueing_lock="d-1", donation_id="d-1")
            await asyncio.sleep(0.05)

    await asyncio.gather(*(once(bytes([i])) for i in range(6)))
    assert len(_jobs(superuser)) == 1
    assert superuser.execute("select count(*) from idempotency_keys").fetchone() == (6,)


async def test_a_job_may_wait(public: Database, superuser: psycopg.Connection) -> None:
    async with public.begin() as session:
        await defer(session, "donations:settle", delay_seconds=90, donation_id="d-1")
    row = superuser.execute(
        "select extract(epoch from scheduled_at - now())::int from procrastinate_jobs"
    ).fetchone()
    assert row is not None
    assert 85 <= row[0] <= 90


async def test_the_worker_runs_what_was_deferred_and_tries_again(
    public: Database, internal: Database, addresses: Addresses, superuser: psycopg.Connection
) -> None:
    seen: list[str] = []

    async def settle(donation_id: str) -> None:
        seen.append(donation_id)
        if len(seen) == 1:
            raise RuntimeError("the first time it fails")

    async with public.begin() as session:
        await defer(session, "donations:settle", donation_id="d-1")
    app = build_app(addresses.internal, [Job("donations:settle", settle)], pool_size=2)
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
        assert seen == ["d-1"]
        superuser.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    assert seen == ["d-1", "d-1"]
    states = superuser.execute(
        "select status::text, attempts from procrastinate_jobs where task_name = 'donations:settle'"
    ).fetchall()
    assert states == [("succeeded", 2)]


@pytest.fixture
def dead_worker(internal: Database, superuser: psycopg.Connection) -> None:
    """A worker that took a job and was never heard of again."""
    superuser.execute("""
        with w as (insert into procrastinate_workers (last_heartbeat)
                   values (now() - interval '1 hour') returning id)
        insert into procrastinate_jobs (task_name, queue_name, args, status, worker_id, attempts)
        select 'donations:settle', 'default', '{"donation_id": "d-1"}', 'doing', id, 0 from w""")


async def test_what_a_dead_worker_was_busy_with_is_taken_up(
    dead_worker: None, addresses: Addresses, superuser: psycopg.Connection
) -> None:
    app = build_app(addresses.internal, [], pool_size=2)
    async with app.open_async():
        assert await take_up_stalled(app) == 1
        assert await take_up_stalled(app) == 0
    assert superuser.execute("select status::text from procrastinate_jobs").fetchall() == [("todo",)]
