"""The public role's app behind its shelf, and the same without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from app.api.routes import add_api, api_readings
from app.core.clock import FrozenClock, SystemClock
from app.core.db import Database
from app.crypto.sealing import Sealer
from app.donations.appeals import PublishedAppeals
from app.http.context import PublicRole
from app.http.middleware import RequestContext
from app.http.problems import install_problems
from app.http.shelf import Shelf
from app.petitions.acting import SignerActions
from app.petitions.breakdowns import Breakdowns
from app.petitions.form_tokens import FormTokens
from app.petitions.letterbox import Letterbox
from app.petitions.linking import Confirmer
from app.petitions.proof_of_work import ProofOfWork
from app.petitions.remembering import PublishedPetitions
from app.petitions.surge_watching import SurgeWatch
from app.settings import Settings
from app.web.errors import error_page
from app.web.routes import build_public_router, page_readings
from tests.factories import World

PATHS = ("", ".json", "/count.json")


@dataclass
class Site:
    """The public role's app behind its shelf, and the same without it."""

    shelf: httpx.AsyncClient
    routes: httpx.AsyncClient
    petitions: PublishedPetitions
    slug: str
    clock: FrozenClock
    """Of the marks in forms alone."""

    @property
    def paths(self) -> list[str]:
        pages = [f"/petitions/{self.slug}{end}" for end in PATHS]
        return [*pages, f"/api/v1/petitions/{self.slug}", f"/api/v1/petitions/{self.slug}/count"]


@asynccontextmanager
async def open_site(public: Database, sealer: Sealer, world: World) -> AsyncIterator[Site]:
    """The whole of it over a database, its petition in memory."""
    settings, clock = Settings(demo=True), SystemClock()
    marked_by = FrozenClock(clock.now())
    petitions, letterbox = PublishedPetitions(public, clock), Letterbox(public)
    surge = SurgeWatch(public, "public", letterbox)
    app = FastAPI()
    app.state.settings = settings
    app.state.role = PublicRole(
        settings=settings,
        clock=marked_by,
        database=public,
        sealer=sealer,
        letterbox=letterbox,
        signers=SignerActions(public, Confirmer(public, petitions.count), sealer),
        petitions=petitions,
        appeals=PublishedAppeals(public, clock),
        gateway=None,  # type: ignore[arg-type]  # nobody gives here
        giving=None,  # type: ignore[arg-type]  # nobody gives here
        form_tokens=FormTokens(b"f" * 32),
        work=ProofOfWork(public, b"f" * 32, lambda: surge.asks_work),
        surge=surge,
        breakdowns=Breakdowns(public, clock, lambda: surge.sheds_breakdowns),
    )
    add_api(app, settings)
    app.include_router(build_public_router(settings))
    install_problems(app, error_page)
    hosts = {"127.0.0.1"}
    behind = RequestContext(app, hosts=hosts, body_seconds=5, https=False)
    readings = {**api_readings(), **page_readings()}
    shelf = Shelf(behind, readings, role=lambda: app.state.role, hosts=hosts, https=False)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(shelf), base_url="http://127.0.0.1:8000") as front,
        httpx.AsyncClient(transport=httpx.ASGITransport(behind), base_url="http://127.0.0.1:8000") as routes,
    ):
        await petitions.get(world.petition_slug)
        yield Site(front, routes, petitions, world.petition_slug, marked_by)
