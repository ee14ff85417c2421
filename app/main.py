"""Where everything is put together: one app per serving role.

uvicorn calls `public` or `staff` as factories; `haven serve` starts it.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.api.routes import add_api, api_readings
from app.core.logging import configure_logging
from app.http.flooding import FloodGuard
from app.http.health import router as health_router
from app.http.metrics import router as metrics_router
from app.http.middleware import RequestContext
from app.http.problems import install_problems
from app.http.shelf import Shelf
from app.http.wiring import build_public, build_staff
from app.settings import ConfigurationRefused, Role, Settings, check, load
from app.web.admin.rendering import staff_error_page
from app.web.admin.routes import build_staff_router
from app.web.errors import error_page
from app.web.routes import build_public_router, page_readings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Always answered to, so that health checks on the machine itself work."""


def public() -> ASGIApp:
    """The public role: pages, the API, Stripe's webhook."""
    settings = load()
    configure_logging(settings.log_level, settings.log_format, Role.PUBLIC)
    check(settings, Role.PUBLIC)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with plainly_refused():
            role = await build_public(settings)
        app.state.role, app.state.surge = role, role.surge
        role.petitions.start()
        role.letterbox.start()
        role.signers.confirmer.start()
        role.work.start()
        role.surge.start()
        yield
        await role.surge.stop()
        await role.work.stop()
        await role.letterbox.stop()
        await role.signers.confirmer.stop()
        await role.petitions.stop()
        await role.gateway.close()
        await role.database.close()

    app = _app("Haven", settings, lifespan)
    add_api(app, settings)
    app.include_router(health_router)
    app.include_router(build_public_router(settings))
    install_problems(app, error_page)
    guarded = FloodGuard(app, app, settings, error_page)
    return Shelf(
        _surrounded(guarded, settings, settings.web.public_url),
        {**api_readings(), **page_readings()},
        role=lambda: getattr(app.state, "role", None),
        hosts=_hosts(settings.web.public_url),
        https=settings.web.public_url.startswith("https://"),
    )


def staff() -> ASGIApp:
    """The staff role: admin pages and reports."""
    settings = load()
    configure_logging(settings.log_level, settings.log_format, Role.STAFF)
    check(settings, Role.STAFF)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with plainly_refused():
            app.state.role = await build_staff(settings)
        yield
        await app.state.role.database.close()

    app = _app("Haven for staff", settings, lifespan)
    app.include_router(health_router)
    app.include_router(build_staff_router())
    app.include_router(metrics_router)
    install_problems(app, staff_error_page)
    return _surrounded(app, settings, settings.web.staff_url)


@contextmanager
def plainly_refused() -> Iterator[None]:
    """Say why a start is refused, past the traceback that uvicorn makes of it."""
    try:
        yield
    except ConfigurationRefused as refused:
        sys.stderr.write(f"{refused}\n")
        raise


def _app(title: str, settings: Settings, lifespan: object) -> FastAPI:
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redirect_slashes=False,  # its redirect is made from the Host header
        redoc_url=None,
        openapi_url="/api/v1/openapi.json" if title == "Haven" else None,
        max_body_size=settings.web.max_body_bytes,
        lifespan=lifespan,  # type: ignore[arg-type]  # FastAPI's own type is a union of protocols
    )
    app.state.settings = settings
    return app


def _surrounded(app: ASGIApp, settings: Settings, url: str) -> ASGIApp:
    return RequestContext(
        app,
        hosts=_hosts(url),
        body_seconds=settings.web.request_timeout_seconds,
        https=url.startswith("https://"),
    )


def _hosts(url: str) -> set[str]:
    return {urlsplit(url).hostname or "", *LOOPBACK}
