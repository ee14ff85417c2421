"""What uvicorn lacks: a bound on how long a client may take over its request's head."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.http.shelf import Ready

HEAD_SECONDS = 10.0


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers are not complete in ten seconds.

    Between requests, uvicorn's own keep-alive time-out rules; bodies are bounded by `RequestContext`.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the clock as soon as somebody is there."""
        super().connection_made(transport)
        self._start_head_timer()

    def on_message_begin(self) -> None:
        """A further request on the same connection gets the same time."""
        super().on_message_begin()
        self._start_head_timer()

    def on_headers_complete(self) -> None:
        """The head is here; the app takes over."""
        self._stop_head_timer()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Write what lies ready in memory at once: a task, and a look at each header, take twice as long.

        Not while others of the connection wait their turn, nor while its client is slow to read.
        """
        # Any: uvicorn's scope is Starlette's by another name.
        at_once: Callable[[Any], Ready | None] | None = getattr(app, "at_once", None)
        is_free = not self.pipeline and not self.flow.write_paused
        ready = at_once(cycle.scope) if at_once is not None and is_free else None
        if ready is None:
            super()._start_asgi_task(cycle, app)
            return
        usual = b"".join(b"%s: %s\r\n" % header for header in cycle.default_headers)
        ending = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        named = b"x-request-id: %s\r\n" % ready.request_id
        self.transport.write(
            b"".join((STATUS_LINE[ready.status], usual, ready.head, named, ending, ready.body))
        )
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is left to wait for."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def _start_head_timer(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def server_options(host: str, port: int) -> dict[str, Any]:  # uvicorn's own, of many types
    """How uvicorn serves any role: bounded, quiet, and gone within seconds of SIGTERM."""
    return {
        "host": host,
        "port": port,
        "http": BoundedProtocol,
        "loop": "uvloop",
        "ws": "none",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 15,
        # A half-sent body would otherwise hold the process for ever.
        "timeout_graceful_shutdown": 4,
        "limit_concurrency": 2_000,
        "backlog": 2_048,
    }
