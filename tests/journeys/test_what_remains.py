"""After all journeys: the books hold, nobody logged a fault, and every call to Stripe was one it knows."""

import json
import subprocess
import sys

import httpx
import psycopg

from tests.journeys.running import ROOT, Running
from tests.journeys.signing import all_quiet


async def test_the_books_hold(running: Running, superuser: psycopg.Connection) -> None:
    await all_quiet(superuser)
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-m", "app.cli.main", "selfcheck", "--json"],
        cwd=ROOT,
        env=running.environment_of("worker"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_every_call_was_one_that_stripe_knows(simulator: httpx.AsyncClient) -> None:
    verdict = (await simulator.get("/_sim/contract")).json()
    assert verdict["enabled"]
    assert verdict["violations"] == []


def test_nobody_logged_a_fault(running: Running) -> None:
    faults = []
    for name, log in running.logs().items():
        if not name.startswith(("public", "staff", "worker", "second")):
            continue
        for line in log.splitlines():
            if not line.startswith("{"):
                faults.append(f"{name}: {line}")
            elif (event := json.loads(line)).get("level") in ("error", "critical"):
                faults.append(f"{name}: {event.get('event')} {event.get('exception')}")
            elif event.get("event") == "request:answered" and event["status"] == 500:
                faults.append(f"{name}: {line}")
    assert faults == []


def test_nothing_is_left_rejected(superuser: psycopg.Connection) -> None:
    assert superuser.execute("select error from intake_rejected").fetchall() == []
    assert superuser.execute("select args from procrastinate_jobs where status = 'failed'").fetchall() == []
