"""What uvicorn lacks: a bound on how long a client may take over its request's head."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
