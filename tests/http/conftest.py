"""Small apps with Haven's own middleware and errors, in process or behind a real uvicorn."""

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp

from app.core.db import Database
from app.core.errors import AppError, DatabaseUnavailable, InvalidFields, InvalidInput, Overloaded
from app.core.text import Line
from app.crypto.sealing import Sealer
from app.http.connections import server_options
from app.http.middleware import RequestContext
from app.http.problems import install_problems
from tests.factories import World
from tests.http.sites import Site, open_site
from tests.ports import free_port

HOST = "haven.example"
SECRET_CAUSE = "the cause: suzie@example.com"


class Entry(BaseModel):
    """A form."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Line(20)]
    age: int = Field(default=1, ge=0, le=150)
    inner: dict[str, int] = Field(default_factory=dict)


def small_app() -> FastAPI:
    """Routes for every kind of answer."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=2_000)

    @app.get("/api/v1/things/{token}")
    async def thing(token: str) -> dict[str, str]:
        return {"token": token}

    @app.post("/api/v1/entries")
    async def entry(entry: Entry) -> dict[str, str]:
        return {"name": entry.name}

    @app.get("/api/v1/numbers")
    async def numbers(number: Annotated[int, Query(le=10)]) -> int:
        return number

    @app.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET_CAUSE)

    @app.post("/api/v1/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @app.get("/api/v1/refused/{how}")
    async def refused(how: str) -> None:
        raise refusals()[how]

    install_problems(app, None)
    return app


def refusals() -> dict[str, Exception]:
    """Errors as domains raise them."""
    return {
        "full": Overloaded(retry_after=7),
        "away": DatabaseUnavailable(),
        "field": InvalidInput("Not like this.", field="postcode"),
        "fields": InvalidFields([InvalidInput(field="name"), InvalidInput(field="email")]),
        "plain": AppError(),
        "http": HTTPException(401, "the framework's own words", headers={"WWW-Authenticate": "Bearer"}),
        "odd": HTTPException(418),
    }


def surrounded(app: ASGIApp, *, body_seconds: float = 5, https: bool = True) -> RequestContext:
    """The app inside the middleware, as `app/main.py` puts it."""
    return RequestContext(app, hosts={HOST, "127.0.0.1"}, body_seconds=body_seconds, https=https)


@contextmanager
def served(app: ASGIApp, **options: object) -> Iterator[int]:
    """A real uvicorn with Haven's options in a thread of its own; gives its port."""
    port = free_port()
    config = uvicorn.Config(app, **{**server_options("127.0.0.1", port), "lifespan": "off", **options})
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    for _ in range(500):
        if server.started:
            break
        threading.Event().wait(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def connect() -> Iterator[Callable[[int], socket.socket]]:
    """Opens plain connections, closed afterwards."""
    opened: list[socket.socket] = []

    def connect_to(port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        opened.append(connection)
        return connection

    yield connect_to
    for connection in opened:
        connection.close()


def one_answer(connection: socket.socket) -> bytes:
    """The next answer, head and body, as far as its Content-Length says."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = re.findall(rb"content-length: (\d+)", head.lower())
    while len(body) < int(length):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def until_closed(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes."""
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


@pytest.fixture
async def site(public: Database, sealer: Sealer, world: World) -> AsyncIterator[Site]:
    """The public role's app behind its shelf."""
    async with open_site(public, sealer, world) as opened:
        yield opened
