"""The staff pages over HTTP, on the internal login, with cheap hashing."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.core.clock import FrozenClock
from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.http.context import StaffRole
from app.http.problems import install_problems
from app.settings import Settings, WebSettings
from app.staff.passwords import Passwords
from app.web.admin import build_staff_router, staff_error_page
from app.web.admin.guarding import standard_passwords
from tests.staff.conftest import EMAIL, PASSWORD, account, owner_database, passwords

__all__ = ["account", "owner_database", "passwords"]

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


@dataclass
class Visitor:
    """A client that sends what a browser sends, and keeps cookies."""

    client: httpx.AsyncClient
    origin: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def post(self, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
        sent = {"origin": self.origin} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await self.client.post(path, data=data, headers={k: v for k, v in sent.items() if v})

    async def log_in(self, password: str = PASSWORD, **fields: str) -> httpx.Response:
        return await self.post("/login", {"email": EMAIL, "password": password} | fields)

    async def csrf_token(self, path: str = "/account") -> str:
        page = await self.get(path)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found is not None
        return found[1]


@pytest.fixture
def make_app(
    internal: Database, sealer: Sealer, opener: Opener, hasher: Hasher, passwords: Passwords
) -> Callable[[str], FastAPI]:
    def make(staff_url: str) -> FastAPI:
        app = FastAPI()
        settings = Settings(demo=True, web=WebSettings(staff_url=staff_url))
        app.state.role = StaffRole(settings, FrozenClock(NOW), internal, sealer, opener, hasher)
        app.include_router(build_staff_router())
        app.dependency_overrides[standard_passwords] = lambda: passwords
        install_problems(app, staff_error_page)
        return app

    return make


@pytest.fixture
async def visitors(make_app: Callable[[str], FastAPI]) -> AsyncIterator[Callable[[str], Visitor]]:
    clients: list[httpx.AsyncClient] = []

    def open_visitor(staff_url: str = "http://127.0.0.1:8001") -> Visitor:
        transport = httpx.ASGITransport(
            make_app(staff_url), raise_app_exceptions=False, client=("192.0.2.7", 1)
        )
        clients.append(httpx.AsyncClient(transport=transport, base_url=staff_url))
        return Visitor(clients[-1], staff_url)

    yield open_visitor
    for client in clients:
        await client.aclose()


@pytest.fixture
def visitor(visitors: Callable[[str], Visitor], account: int) -> Visitor:
    return visitors("http://127.0.0.1:8001")


def where(response: httpx.Response) -> str:
    """Where a redirect leads, without the host."""
    assert response.status_code == 303, response.status_code
    parts = urlsplit(response.headers["location"])
    return parts.path + (f"?{parts.query}" if parts.query else "")


def rows(connection: psycopg.Connection, statement: str) -> list[tuple[object, ...]]:
    return connection.execute(statement.encode()).fetchall()
