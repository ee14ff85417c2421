"""What surrounds every request, in pure ASGI: an id, a log line, headers, hosts, and limits on slowness."""

import asyncio
import json
import os
import time
from collections.abc import Collection, Iterator
from itertools import count

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.logging import log_request, request_id
from app.http.statuses import HTTP_CODES

log = structlog.get_logger("http")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), interest-cohort=()",
}
DEFAULT_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
"""For answers that are no pages; pages bring their own."""


def surrounding_headers(*, https: bool) -> list[tuple[bytes, bytes]]:
    """What every answer carries that does not say otherwise."""
    headers = {**SECURITY_HEADERS, "Content-Security-Policy": DEFAULT_CSP}
    if https:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def request_names() -> Iterator[str]:
    """Names for requests: this process's at random, then a number. Nothing depends on their being secret."""
    process = os.urandom(6).hex()
    return (f"{process}-{number:x}" for number in count(1))


def host_of(header: bytes) -> str:
    """The host's name in a Host header, without its port."""
    host = header.decode("latin-1").lower()
    return host if host.endswith("]") else host.rsplit(":", 1)[0]


class RequestContext:
    """Outermost: names the request, bounds it, logs one line, catches what falls through.

    Args:
        hosts: Host names that are ours; others are refused with 421.
        body_seconds: How long a body may take to arrive.
        https: Whether to send Strict-Transport-Security.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], body_seconds: float, https: bool) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._body_seconds = body_seconds
        self._around = surrounding_headers(https=https)
        self._names = request_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; lifespan and the rest pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        name = next(self._names)
        scope["haven.request_id"] = name
        bound = request_id.set(name)
        answer = _Answer(send, name, self._around)
        if scope["method"] == "HEAD":  # FastAPI routes GET alone; link checkers ask for heads
            scope = {**scope, "method": "GET"}
            answer.without_body = True
        try:
            await self._handle(scope, receive, answer)
        finally:
            _log_line(scope, answer.status, started)
            request_id.reset(bound)

    async def _handle(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if _host(scope) not in self._hosts:
            await answer.problem(421)
            return
        body = _TimedBody(receive, self._body_seconds)
        try:
            await self._app(scope, body, answer)
        except BodyTooSlow:
            await answer.problem(408, close=True)
        except Exception:
            log.exception("request:failed")
            if not answer.started:
                await answer.problem(500)


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class _TimedBody:
    """A `receive` that gives up on a body that trickles in; what comes after the body may take its time."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._deadline = time.monotonic() + seconds
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._complete = True
        return message


class _Answer:
    """A `send` that adds our headers and remembers what went out."""

    def __init__(self, send: Send, request_id: str, around: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._request_id = request_id
        self._around = around
        self.started = False
        self.status = 0
        self.without_body = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            theirs = {name for name, _ in headers}
            headers.append((b"x-request-id", self._request_id.encode()))
            headers += [header for header in self._around if header[0] not in theirs]
            message = {**message, "headers": headers}
        elif self.without_body and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def problem(self, status: int, *, close: bool = False) -> None:
        """Answer a problem from outside the app."""
        code, detail = HTTP_CODES.get(
            status, ("internal_error", "Something broke on our side; it was noted.")
        )
        body = {
            "type": f"/api/v1/errors#{code}",
            "title": code.replace("_", " ").capitalize(),
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": self._request_id,
        }
        content = json.dumps(body).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if close:
            headers.append((b"connection", b"close"))
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": content})


def _host(scope: Scope) -> str:
    return host_of(next((value for name, value in scope["headers"] if name == b"host"), b""))


def _log_line(scope: Scope, status: int, started: float) -> None:
    # The route's pattern, never the path: paths hold tokens, and who went where is nobody's business.
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    log_request(scope["method"], route, status, (time.perf_counter() - started) * 1000)
