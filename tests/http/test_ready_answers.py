"""What lies ready is written by the protocol itself: the same bytes in the same order, connections kept."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.shelf import Reading, Shelf
from app.petitions.remembering import Held
from tests.http.conftest import served, until_closed

BODY = "ready " * 200


def a_shelf() -> Shelf:
    """One petition in memory, named `held`; whatever else is asked for is answered from behind."""
    held = Held(SimpleNamespace(), 1, time.monotonic(), "", 0)  # type: ignore[arg-type]  # nobody looks into it
    petitions = SimpleNamespace(held=lambda slug: held if slug == "held" else None)
    role = SimpleNamespace(petitions=petitions)

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"behind {scope['path']}")(scope, receive, send)

    def make(*_about: object) -> Response:
        return PlainTextResponse(BODY, headers={"ETag": '"tag"', "Cache-Control": "public"})

    readings = {("/petitions/", ""): Reading(make, tells_time=False)}
    return Shelf(behind, readings, role=lambda: role, hosts={"here"}, https=True)  # type: ignore[arg-type,return-value]  # as much of a role as is asked for


def by_asgi(app: ASGIApp) -> ASGIApp:
    """The same app for a server that knows nothing of what lies ready."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return called


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    with served(a_shelf()) as ready, served(by_asgi(a_shelf())) as plain:
        yield ready, plain


def said(port: int, *requests: str) -> bytes:
    """All answers to requests that are sent at once, the last of which ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("".join(requests).encode())
        return until_closed(connection)


def request(path: str = "held", *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join((f"{method} /petitions/{path} HTTP/{version}", "Host: here", *headers, "", ""))


def without_own(answer: bytes) -> list[bytes]:
    """An answer's lines, sorted, without what differs each time."""
    return sorted(
        line for line in answer.split(b"\r\n") if not line.lower().startswith((b"date:", b"x-request-id:"))
    )


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        ((), "GET", b"200 OK"),
        (("Accept-Encoding: gzip",), "GET", b"200 OK"),
        (("Accept-Encoding: br",), "GET", b"200 OK"),
        (('If-None-Match: "tag-br"', "Accept-Encoding: br"), "GET", b"304 Not Modified"),
        ((), "HEAD", b"200 OK"),
    ],
)
def test_it_is_what_asgi_would_send(
    ports: tuple[int, int], headers: tuple[str, ...], method: str, status: bytes
) -> None:
    asked = request("held", *headers, "Connection: close", method=method)
    ready, plain = (said(port, asked) for port in ports)

    assert ready.startswith(b"HTTP/1.1 " + status)
    assert without_own(ready) == without_own(plain)
    for name in (b"\r\ndate: ", b"\r\nx-request-id: ", b"\r\nconnection: close"):
        assert ready.lower().count(name) == 1


def test_a_connection_is_kept_and_asked_again(ports: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=10) as connection:
        for _ in range(5):
            connection.sendall(request("held", 'If-None-Match: "tag"').encode())
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 304")
            assert answer.endswith(b"\r\n\r\n")
            assert b"connection: close" not in answer


def test_who_sends_very_many_at_once_gets_all_answers_in_order(ports: tuple[int, int]) -> None:
    paths = [("held", f"other-{number}", "held")[number % 3] for number in range(3_000)]
    asked = [request(path, 'If-None-Match: "tag"') for path in paths]

    answers = said(ports[0], *asked, request("last", "Connection: close"))

    heads = [part for part in answers.split(b"HTTP/1.1 ") if part]
    found = [b"held" if h.startswith(b"304") else h.rpartition(b"behind /petitions/")[2] for h in heads]
    assert found == [path.encode() for path in [*paths, "last"]]


def test_http_1_0_ends_with_its_answer(ports: tuple[int, int]) -> None:
    answer = said(ports[0], request(version="1.0"))

    assert answer.endswith(BODY.encode())
    assert b"\r\nconnection: close\r\n" in answer
