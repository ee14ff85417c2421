"""Jobs of a worker that was killed are taken up by another one; those of a living one are left alone."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from procrastinate import App

from app.core.db import Database
from app.jobs.deferring import defer
from app.jobs.running import Job, build_app, take_up_stalled
from tests.conftest import Addresses

TASK = "tests:work"


@pytest.fixture
async def app(addresses: Addresses) -> AsyncIterator[App]:
    async def work(number: int) -> None:
        raise AssertionError(number)

    app = build_app(addresses.internal, [Job(TASK, work)])
    async with app.open_async():
        yield app


@pytest.fixture
async def busy(app: App, internal: Database) -> int:
    """A worker's id, which is busy with a job."""
    async with internal.begin() as session:
        await defer(session, TASK, number=1)
    worker_id = await app.job_manager.register_worker()
    assert await app.job_manager.fetch_job(queues=None, worker_id=worker_id) is not None
    return worker_id


def statuses(superuser: psycopg.Connection) -> list[str]:
    rows = superuser.execute("select status::text from procrastinate_jobs").fetchall()
    return [status for (status,) in rows]


async def test_the_job_of_a_dead_worker_waits_again(
    app: App, busy: int, superuser: psycopg.Connection
) -> None:
    superuser.execute("update procrastinate_workers set last_heartbeat = now() - interval '31 seconds'")

    assert await take_up_stalled(app) == 1
    assert statuses(superuser) == ["todo"]
    assert await take_up_stalled(app) == 0


async def test_the_job_of_a_worker_that_was_forgotten_waits_again(
    app: App, busy: int, superuser: psycopg.Connection
) -> None:
    superuser.execute("delete from procrastinate_workers")

    assert await take_up_stalled(app) == 1
    assert statuses(superuser) == ["todo"]


async def test_the_job_of_a_living_worker_is_left_alone(
    app: App, busy: int, superuser: psycopg.Connection
) -> None:
    assert await take_up_stalled(app) == 0
    assert statuses(superuser) == ["doing"]


async def test_one_that_cannot_wait_again_hinders_no_other(
    app: App, busy: int, internal: Database, superuser: psycopg.Connection
) -> None:
    superuser.execute("delete from procrastinate_workers")
    superuser.execute("update procrastinate_jobs set queueing_lock = 'one'")
    async with internal.begin() as session:
        await defer(session, TASK, queueing_lock="one", number=1)
        await defer(session, TASK, number=2)
    worker_id = await app.job_manager.register_worker()
    superuser.execute("update procrastinate_jobs set status = 'doing' where (args ->> 'number')::int = 2")

    assert await take_up_stalled(app) == 1
    assert sorted(statuses(superuser)) == ["doing", "todo", "todo"]
    assert worker_id != busy
