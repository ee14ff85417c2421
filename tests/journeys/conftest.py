"""Journeys through the real processes, started once as `make run` starts them.

They count what is there before and after, so all of them run in one process, one after the other: with
pytest-xdist by `--dist loadgroup`, as `make test` does.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.async_api import Browser, async_playwright

from tests.journeys import running as processes
from tests.journeys.browsing import ARGUMENTS, CHROMIUM, Visit, visits
from tests.journeys.figures import PublicFigures, StaffDesk
from tests.journeys.mailbox import Mailbox
from tests.journeys.running import STAFF_EMAIL, Running, Second
from tests.requiring import require

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys in one process."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.xdist_group("journeys"))


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """The database, all roles, the mail catcher and the Stripe simulator."""
    started = processes.start()
    yield started
    processes.end(started)


@pytest.fixture(scope="module")
def second(running: Running) -> Iterator[Second]:
    """One more public process and one more worker on the same database."""
    yield from processes.second_processes(running, running.data / "log")


@pytest.fixture(scope="session")
async def api(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A program that talks to the public port."""
    async with httpx.AsyncClient(base_url=running.public, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
async def simulator(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """The Stripe simulator's control interface."""
    async with httpx.AsyncClient(base_url=running.stripe, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
async def mailbox(running: Running) -> AsyncIterator[Mailbox]:
    """Everybody's mail."""
    async with httpx.AsyncClient(base_url=running.mail, trust_env=False) as client:
        yield Mailbox(client)


@pytest.fixture(scope="session")
def figures(api: httpx.AsyncClient) -> PublicFigures:
    """What everybody can read."""
    return PublicFigures(api)


@pytest.fixture(scope="session")
async def staff(running: Running) -> AsyncIterator[StaffDesk]:
    """An editor at work."""
    async with httpx.AsyncClient(base_url=running.staff, timeout=20, trust_env=False) as client:
        desk = StaffDesk(client)
        answer = await desk.log_in(STAFF_EMAIL, running.staff_password)
        assert answer.status_code == 303, answer.text
        yield desk


@pytest.fixture
def superuser(running: Running) -> Iterator[psycopg.Connection]:
    """The running database, past every grant and trigger."""
    with psycopg.connect(running.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    require(CHROMIUM.exists(), f"Chromium in {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def visit(chromium: Browser) -> Visit:
    """Windows for readers."""
    return visits(chromium)
