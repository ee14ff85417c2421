"""Run deferred and periodic jobs in the worker."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException

from app.core.db import libpq_url

log = structlog.get_logger(__name__)
STALLED_SECONDS = 30.0
"""A worker says every 10 seconds that it lives; one that has not for so long is dead, and so are its jobs."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task by its name (`subject:action`), what runs it, and when it runs by itself.

    Attributes:
        cron: Five fields (or six, with seconds) in UTC; None for a job that is only deferred.
        attempts: How often a failing job is tried, with exponential waits between.
    """

    name: str
    run: Callable[..., Awaitable[object]]
    cron: str | None = None
    attempts: int = 10


def build_app(url: str, jobs: Sequence[Job], *, pool_size: int = 4) -> App:
    """A procrastinate app that knows these jobs, on its own small pool of connections."""
    app = App(connector=PsycopgConnector(conninfo=libpq_url(url), min_size=1, max_size=pool_size))

    async def take_up(timestamp: int | None = None) -> None:  # noqa: ARG001 - procrastinate tells the minute
        await take_up_stalled(app)

    for job in (*jobs, Job("jobs:take_up", take_up, cron="*/20 * * * * *", attempts=1)):
        retry = RetryStrategy(max_attempts=job.attempts, exponential_wait=2)
        task = app.task(name=job.name, retry=retry, pass_context=False)(job.run)
        if job.cron is not None:
            app.periodic(cron=job.cron)(task)
    return app


async def take_up_stalled(app: App) -> int:
    """Queue again what a dead worker was busy with; says how many jobs. Jobs bear being run twice."""
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS)
    taken = 0
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:
            # The same is queued already, under the same lock, or the worker has come back and ended it.
            log.warning("jobs:stalled:left", task=job.task_name, job=job.id)
        else:
            taken += 1
            log.warning("jobs:stalled:taken_up", task=job.task_name, job=job.id)
    return taken
