"""What surrounds every request, in pure ASGI: an id, a log line, headers, hosts, and limits on slowness."""

import asyncio
import json
import time
from collections.abc import Collection, Iterator
from http import HTTPStatus
from itertools import count
from uuid import uuid4

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
DRAINED_BYTES = 16 * 1024 * 1024
"""How much of a body that is too large is read on, so that its sender hears the answer."""
_UNAVAILABLE = 503
DEFAULT_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
"""For answers that are no pages; pages bring their own."""


def surrounding_headers(*, https: bool) -> list[tuple[bytes, bytes]]:
    """What every answer carries that does not say otherwise."""
    headers = {**SECURITY_HEADERS, "Content-Security-Policy": DEFAULT_CSP}
    if https:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def request_names() -> Iterator[str]:
    """Names for requests, of a UUID's form: this process's part at random, then a number.

    Nothing depends on their being secret.
    """
    process = str(uuid4())[:-12]
    return (f"{process}{number:012x}" for number in count(1))


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
        body = _TimedBody(receive, self._body_seconds, answer)
        try:
            await self._app(scope, body, answer)
        except asyncio.CancelledError:  # the process ends and its patience with this request is over
            if not answer.started:
                await answer.problem(503, close=True)
            raise
        except Exception:
            if not answer.muted:  # else it is whatever the app made of a body that broke off
                log.exception("request:failed")
                if not answer.started:
                    await answer.problem(500)
        if answer.is_too_large:
            await answer.instead(413, close=not await body.drain())


class _TimedBody:
    """A `receive` that gives up on a body that trickles in; what comes after the body may take its time.

    It answers 408 itself, and the app sees a client that has gone: an error raised here would become
    whatever the framework makes of errors in its own reading (400, or 500).
    """

    def __init__(self, receive: Receive, seconds: float, answer: "_Answer") -> None:
        self._receive = receive
        self._answer = answer
        self._deadline = time.monotonic() + seconds
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            self._complete = True
            await self._answer.instead(408, close=True)
            return {"type": "http.disconnect"}
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._complete = True
        return message

    async def drain(self) -> bool:
        """Read on what nobody wants, as most clients send everything before they listen for an answer.

        Returns:
            Whether that was all of it; the rest of a body that is larger still, or too slow, is cut off.
        """
        taken = 0
        while not self._complete and taken < DRAINED_BYTES:
            taken += len((await self()).get("body", b""))
        return self._complete


class _Answer:
    """A `send` that adds our headers and remembers what went out."""

    def __init__(self, send: Send, request_id: str, around: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._request_id = request_id
        self._around = around
        self.started = False
        self.muted = False
        self.is_too_large = False
        self.status = 0
        self.without_body = False

    async def __call__(self, message: Message) -> None:
        if self.muted:
            return
        if message["type"] == "http.response.start":
            if message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and _is_plain(message):
                self.is_too_large = True  # Starlette says so in words of its own, past every handler
                self.muted = True
                return
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

    async def instead(self, status: int, *, close: bool) -> None:
        """Answer this problem, and let nothing of the app's own answer through any more."""
        if not self.started:
            self.muted = False
            await self.problem(status, close=close)
        self.muted = True

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
        if status == _UNAVAILABLE:
            headers.append((b"retry-after", b"5"))
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": content})


def _is_plain(message: Message) -> bool:
    headers: list[tuple[bytes, bytes]] = message["headers"]
    return any(name == b"content-type" and value.startswith(b"text/plain") for name, value in headers)


def _host(scope: Scope) -> str:
    return host_of(next((value for name, value in scope["headers"] if name == b"host"), b""))


def _log_line(scope: Scope, status: int, started: float) -> None:
    # The route's pattern, never the path: paths hold tokens, and who went where is nobody's business.
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    log_request(scope["method"], route, status, (time.perf_counter() - started) * 1000)
