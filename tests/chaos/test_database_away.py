"""Without its database Haven says so and comes back by itself, whether the database refuses or is silent."""

import asyncio
import html
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.connection import Answer, Connection
from devtools.load.people import invent
from devtools.load.signing import ACCEPTED, UNAVAILABLE, Attempt, SigningLoad, attempt, read_wordings
from devtools.run.database import HOLD
from tests.chaos.evidence import Evidence
from tests.chaos.processes import POSTGRES, Outage, Processes
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
AWAY_SECONDS = {False: 30.0, True: 10.0}
"""Refusing, silent."""
LONGEST_READ, LONGEST_POST, LONGEST_FROM_MEMORY = 6.0, 12.0, 1.0
BACK_SECONDS = 5.0
FROM_MEMORY = (
    f"/api/v1/petitions/{SLUG}/count",
    f"/api/v1/petitions/{SLUG}",
    f"/petitions/{SLUG}.json",
    f"/petitions/{SLUG}",
)
PATHS = (
    *FROM_MEMORY,
    "/",
    f"/appeals/{SLUG}",
    "/readyz",
    "/healthz",
)


@contextmanager
def database_away(running: Running, pid: int, *, silent: bool) -> Iterator[None]:
    """Kill it and keep it from starting; `silent`: its port takes connections and never says a word."""
    hold = running.data / HOLD
    hold.touch()
    os.kill(pid, signal.SIGKILL)
    with socket.socket() as hole:
        if silent:
            hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            deadline = time.monotonic() + 5
            while True:
                try:
                    hole.bind(("127.0.0.1", running.ports[POSTGRES]))
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            hole.listen(1024)
        yield
    hold.unlink()


async def read_pages(running: Running, stopping: asyncio.Event) -> dict[str, list[Attempt]]:
    """Read every page all the time, each on its own connection."""
    found: dict[str, list[Attempt]] = {path: [] for path in PATHS}

    async def read(path: str) -> None:
        connection = Connection(running.public, patience=30)
        while not stopping.is_set():
            noted, _ = await attempt(connection, 0, "GET", path)
            found[path].append(noted)
            await asyncio.sleep(0.3)
        connection.close()

    await asyncio.gather(*(read(path) for path in PATHS))
    return found


async def sign_by_both(running: Running) -> tuple[Answer, Answer]:
    """Somebody signs by the API, somebody on the page."""
    connection = Connection(running.public, patience=30)
    wordings = await read_wordings(running.public, SLUG)
    zoe = invent(-1, "away")
    problem = await connection.request("POST", f"/api/v1/petitions/{SLUG}/signatures", zoe.form(wordings))
    typed = {"name": zoe.name, "email": zoe.email, "country": "IE", "consent": "1", "updates": "yes"}
    page = await connection.request("POST", f"/petitions/{SLUG}", urlencode(typed).encode())
    connection.close()
    return problem, page


def is_a_problem(answer: Answer) -> None:
    """RFC 9457, and when to come back."""
    assert answer.status == UNAVAILABLE
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    body = answer.json()
    assert isinstance(body, dict)
    assert body["status"] == UNAVAILABLE
    assert body["code"]


def keeps_what_was_typed(answer: Answer) -> None:
    """The page again, with all that was entered."""
    zoe, page = invent(-1, "away"), answer.body.decode()
    assert answer.status == UNAVAILABLE
    assert int(answer.headers["retry-after"]) > 0
    assert f'value="{html.escape(zoe.name)}"' in page
    assert f'value="{zoe.email}"' in page
    assert re.search(r'<option value="IE"[^>]* selected', page)
    assert re.search(r'name="consent" value="1" checked', page)
    assert re.search(r'name="updates" value="yes" checked', page)


@pytest.mark.parametrize("silent", [False, True], ids=["refusing", "silent"])
async def test_signing_is_turned_away_reading_does_not_hang_and_all_comes_back(
    running: Running,
    processes: Processes,
    evidence: Evidence,
    seed: str,
    tell: Callable[[str], None],
    silent: bool,
) -> None:
    load = SigningLoad(running.public, SLUG, f"{seed}{silent:d}", rate=20, clients=24, patience=30)
    mailboxes = Mailboxes(running.mail)
    confirming = ConfirmingLoad(running.public, mailboxes, seed)
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(part.run()) for part in (load, confirming)]
    reading = asyncio.create_task(read_pages(running, stopping))
    before = {name: processes.pid(name) for name in ("public", "staff", "worker", "mail", "stripe")}
    await asyncio.sleep(4)
    pid = await processes.wait_alive(POSTGRES)

    outage = Outage(POSTGRES, signal.SIGKILL, time.monotonic())
    with database_away(running, pid, silent=silent):
        await asyncio.sleep(AWAY_SECONDS[silent] / 2)
        problem, page = await sign_by_both(running)
        await asyncio.sleep(AWAY_SECONDS[silent] / 2)
        let_go_at = time.monotonic()
    await processes.wait_back(outage)
    assert outage.back_at is not None
    await asyncio.sleep(BACK_SECONDS + 2)
    load.stopping.set()
    await tasks[0]
    await evidence.settle(120)
    await asyncio.sleep(1)
    confirming.stopping.set()
    stopping.set()
    await tasks[1]
    pages = await reading

    away = [a for a in load.attempts if a.began > outage.killed_at + 0.5 and a.ended < let_go_at]
    accepted = [a.ended for a in load.attempts if a.status == ACCEPTED]
    back_in = min((t for t in accepted if t > outage.back_at), default=float("inf")) - outage.back_at
    slowest = {path: max(a.seconds for a in attempts) for path, attempts in pages.items()}
    tell(
        f"away for {outage.back_at - outage.killed_at:.1f} s, {len(away)} turned away, the slowest in "
        f"{max(a.seconds for a in away):.1f} s; first 202 {back_in:.1f} s after; "
        + ", ".join(f"{path} {seconds:.1f} s" for path, seconds in slowest.items())
    )
    assert len(away) > 5
    assert {a.status for a in away} == {UNAVAILABLE}
    every = [*load.attempts, *confirming.attempts, *(a for attempts in pages.values() for a in attempts)]
    assert {a.status for a in every} <= {200, ACCEPTED, UNAVAILABLE}
    assert all(a.retry_after for a in every if a.status == UNAVAILABLE)
    assert {a.status for a in pages["/healthz"]} == {200}
    assert {a.status for path in FROM_MEMORY for a in pages[path]} == {200}, "not shown from memory"
    assert max(slowest[path] for path in FROM_MEMORY) < LONGEST_FROM_MEMORY, slowest
    is_a_problem(problem)
    keeps_what_was_typed(page)
    assert max(slowest.values()) < LONGEST_READ, slowest
    assert max(a.seconds for a in load.attempts) < LONGEST_POST
    assert back_in < BACK_SECONDS
    assert {name: processes.pid(name) for name in before} == before, evidence.console()
    stored = evidence.signatures_of(load.people.values()) if not silent else None
    assert stored is None or [n for n in load.accepted if len(stored[n]) != 1] == []
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
