"""What staff and Prometheus see of the surge ladder."""

import httpx
import psycopg
from fastapi import FastAPI

from app.core.clock import SystemClock
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.http.context import StaffRole
from app.http.health import router as health_router
from app.http.metrics import router as metrics_router
from app.petitions.letterbox import Letterbox
from app.petitions.surge_watching import SurgeWatch
from app.petitions.surging import Step
from app.settings import Settings
from tests.web.admin.conftest import Visitor


async def told(public: Database, internal: Database, step: Step) -> SurgeWatch:
    """A public process on a step, and a worker."""
    surge = SurgeWatch(public, "public", Letterbox(public, capacity=2_000))
    surge._ladder.step = step
    await surge.tell()
    await SurgeWatch(internal, "worker").tell()
    return surge


async def test_the_overview_says_where_each_process_stands(
    visitor: Visitor, public: Database, internal: Database, superuser: psycopg.Connection
) -> None:
    await visitor.log_in()
    assert "No process has told" in (await visitor.get("/")).text
    surge = await told(public, internal, Step.CALM)
    page = (await visitor.get("/")).text
    assert "Surge ladder: calm" in page
    assert "everything is served" in page
    surge._ladder.step = Step.WORK
    await surge.tell()
    page = (await visitor.get("/")).text
    assert "Surge: signing asks for proof of work" in page
    assert "0 of 2,000" in page
    assert page.count("<tr><th") == 3, "a head, a public process, a worker"


async def test_prometheus_reads_each_process_and_the_letters(
    public: Database,
    internal: Database,
    sealer: Sealer,
    opener: Opener,
    hasher: Hasher,
    superuser: psycopg.Connection,
) -> None:
    await told(public, internal, Step.SIGNERS)
    superuser.execute("update letterbox_states set letters = 60000, oldest_at = now() - interval '30 s'")
    app = FastAPI()
    app.state.role = StaffRole(Settings(demo=True), SystemClock(), internal, sealer, opener, hasher)
    app.include_router(metrics_router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        text = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    steps = {name: float(value) for name, value in lines.items() if name.startswith("haven_surge_step{")}
    assert sorted(steps.values()) == [0, 2]
    assert all('role="public"' in name for name, value in steps.items() if value == 2)
    assert [float(v) for k, v in lines.items() if k.startswith("haven_letterbox_capacity{")] == [2000]
    assert float(lines["haven_letters_backlog"]) == 60_000
    assert 30 <= float(lines["haven_letters_backlog_oldest_seconds"]) <= 60
    assert float(lines["haven_mails_due"]) == 0


async def test_ready_says_the_step_and_stays_ready(public: Database, internal: Database) -> None:
    app = FastAPI()
    app.state.role = type("Role", (), {"database": public})
    app.include_router(health_router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert "surge" not in (await client.get("/readyz")).json()
        app.state.surge = await told(public, internal, Step.REFUSE)
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    surge = answer.json()["surge"]
    assert (surge["step"], surge["name"]) == (5, "refuse")
    assert surge["seconds"] < 60
