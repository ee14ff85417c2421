"""`haven worker`: one process that resolves letters, delivers mail and runs jobs."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from procrastinate import App
from sqlalchemy import text

from app.core.db import Database
from app.core.errors import AppError
from app.core.listening import Listener
from app.core.networks import LOOPBACK
from app.donations.working import donation_jobs
from app.http.connections import server_options
from app.http.context import StaffRole
from app.http.health import router as health_router
from app.http.wiring import build_gateway, build_staff, secret
from app.jobs.running import STALLED_SECONDS, Job, build_app
from app.mail.deliver import Deliverer
from app.mail.forgetting import mail_jobs
from app.mail.queue import CHANNEL as MAIL
from app.petitions.abuse_jobs import abuse_jobs
from app.petitions.changing import Changer
from app.petitions.judging import Judge
from app.petitions.letterbox import CHANNEL as INTAKE
from app.petitions.opening import LetterOpener
from app.petitions.recording import Recorder
from app.petitions.resolving import Resolver
from app.petitions.surge_watching import SurgeWatch
from app.petitions.sweeping import Sweeper
from app.petitions.watching import Watcher
from app.petitions.writing_mail import MailWriter
from app.settings import Role, Settings
from app.staff.attempts import attempt_jobs

log = structlog.get_logger(__name__)
POLL_SECONDS = 2.0
"""The longest a letter or a mail waits when its notification got lost."""
_RUSH = 100
"""Letters in one batch from which on mail leaves them the time: 50 mails a second are sent all the same."""
_FEW = 20
_GATHER_SECONDS = 0.1
"""After a batch of a few letters the next gather: a transaction for each would cost more than they do."""
_MAIL_PAUSE_SECONDS = 0.02
_LAPSE_BATCH = 1_000
_STOP_SECONDS = 2.5
"""How long what is in hand may take after SIGTERM; whoever waits for the process waits a little longer."""


class _Load:
    """Who goes first when there is much to do: letters, for a mail may come some seconds later."""

    def __init__(self) -> None:
        self._rushed = False

    async def resolve(self, resolver: Resolver) -> int:
        """Resolve a batch, and note whether there was a rush."""
        done = await resolver.run()
        self._rushed = done >= _RUSH
        if 0 < done < _FEW:
            await asyncio.sleep(_GATHER_SECONDS)
        return done

    async def send(self, deliverer: Deliverer, surge: SurgeWatch, stopping: Callable[[], bool]) -> int:
        """Send a batch of mails: slowly in a rush, and only the urgent ones high up on the surge ladder."""
        return await deliverer.run(stopping, self._mail_pause, urgent_alone=surge.sheds_mail)

    def _mail_pause(self) -> float:
        """How long to wait after each mail, in seconds."""
        return _MAIL_PAUSE_SECONDS if self._rushed else 0.0


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what is in hand is finished or stays where it was."""
    role = await build_staff(settings, Role.WORKER)
    gateway = build_gateway(settings)
    url = secret(settings.database.internal_database_url)
    listener = Listener(url, [INTAKE, MAIL])
    jobs = build_app(
        url,
        [
            *donation_jobs(
                database=role.database,
                gateway=gateway,
                sealer=role.sealer,
                opener=role.opener,
                public_url=settings.web.public_url,
            ),
            *_retention_jobs(role.database),
            *mail_jobs(role.database),
            *attempt_jobs(role.database),
            *abuse_jobs(role.database),
            *Sweeper(role.database, role.sealer, role.opener, role.hasher).jobs(),
            *Watcher(role.database, role.sealer, role.opener, role.hasher, settings.web.staff_url).jobs(),
        ],
    )
    resolver, deliverer = _resolver(role), _deliverer(role)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(role.database.close)
        stack.push_async_callback(gateway.close)
        await stack.enter_async_context(jobs.open_async())
        load = _Load()
        surge = SurgeWatch(role.database, Role.WORKER, backlog_capacity=settings.surge.backlog_capacity)
        surge.start()
        stack.push_async_callback(surge.stop)
        batches = [
            asyncio.create_task(_drain(lambda: load.resolve(resolver), listener, INTAKE, stopping)),
            asyncio.create_task(
                _drain(lambda: load.send(deliverer, surge, stopping.is_set), listener, MAIL, stopping)
            ),
        ]
        others = [
            asyncio.create_task(_work_on_jobs(jobs, stopping)),
            asyncio.create_task(listener.run()),
        ]
        server = _health_server(role, surge, settings)
        if server is not None:
            others.append(asyncio.create_task(server.serve()))
        log.info("worker:ready")
        await asyncio.wait(
            [*batches, *others, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        await _end(batches, others, stopping)


async def _end(
    batches: list[asyncio.Task[None]], others: list[asyncio.Task[None]], stopping: asyncio.Event
) -> None:
    """Let what is in hand finish, cancel the rest; a task that failed by itself ends the process."""
    failed = [task for task in (*batches, *others) if task.done() and task.exception()]
    stopping.set()
    for task in others:
        task.cancel()  # jobs in hand have their own patience
    await asyncio.wait([*batches, *others], timeout=_STOP_SECONDS + 0.5)
    for task in batches:
        task.cancel()
    await asyncio.wait([*batches, *others], timeout=0.5)
    for task in failed:
        task.result()


async def _work_on_jobs(jobs: App, stopping: asyncio.Event) -> None:
    """Run jobs; procrastinate's worker gives up when the database goes away, so another one takes over."""
    while not stopping.is_set():
        try:
            await jobs.run_worker_async(
                install_signal_handlers=False,
                concurrency=4,
                shutdown_graceful_timeout=_STOP_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                delete_jobs="successful",
            )
        except Exception:
            log.exception("worker:jobs:interrupted")
        else:
            log.warning("worker:jobs:interrupted")
        await asyncio.sleep(1)


async def _drain(
    work: Callable[[], Awaitable[int]], listener: Listener, channel: str, stopping: asyncio.Event
) -> None:
    """Do batch after batch while there is work, then sleep until woken; wait for a database that is away."""
    while not stopping.is_set():
        try:
            done = await work()
        except AppError as error:
            log.warning("worker:database:away", code=error.code, channel=channel)
            await asyncio.sleep(0.5)
            continue
        except Exception:
            log.exception("worker:batch:failed", channel=channel)
            await asyncio.sleep(1)
            continue
        if not done:
            await _first(listener.wait(channel, POLL_SECONDS), stopping.wait())


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _resolver(role: StaffRole) -> Resolver:
    mail = MailWriter(role.settings.web.public_url, role.hasher)
    return Resolver(
        role.database,
        LetterOpener(role.opener, role.hasher),
        Recorder(role.sealer, role.hasher, mail),
        Changer(role.opener, role.sealer, role.hasher),
        Judge(role.database, role.hasher, LOOPBACK if role.settings.demo else ()),
    )


def _deliverer(role: StaffRole) -> Deliverer:
    return Deliverer(role.database, role.opener, role.settings.mail, role.clock, role.settings.web.public_url)


def _retention_jobs(database: Database) -> list[Job]:
    async def lapse(timestamp: int) -> None:  # noqa: ARG001 - procrastinate tells the minute
        while True:
            async with database.begin() as session:
                ended = await session.scalar(text("select lapse_signatures(:most)"), {"most": _LAPSE_BATCH})
            if (ended or 0) < _LAPSE_BATCH:
                return

    return [Job("signatures:lapse", lapse, cron="* * * * *", attempts=1)]


def _health_server(role: StaffRole, surge: SurgeWatch, settings: Settings) -> uvicorn.Server | None:
    """`/healthz` and `/readyz` of a worker, where a port is set for them."""
    if not settings.web.worker_port:
        return None
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.role, app.state.surge = role, surge
    app.include_router(health_router)
    options = server_options(settings.web.host, settings.web.worker_port)
    config = uvicorn.Config(app, lifespan="off", **options)
    return _QuietServer(config)


class _QuietServer(uvicorn.Server):
    """A server inside a process that handles its own signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
