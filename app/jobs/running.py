"""Run deferred and periodic jobs in the worker."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from procrastinate import App, PsycopgConnector, RetryStrategy

from app.core.db import libpq_url


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
    for job in jobs:
        retry = RetryStrategy(max_attempts=job.attempts, exponential_wait=2)
        task = app.task(name=job.name, retry=retry, pass_context=False)(job.run)
        if job.cron is not None:
            app.periodic(cron=job.cron)(task)
    return app
