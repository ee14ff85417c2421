"""`haven serve`: one process that serves HTTP, or several on one listening socket."""

import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module

import typer
import uvicorn

from app.core.logging import configure_logging
from app.core.siblings import Siblings
from app.http.connections import server_options
from app.settings import ConfigurationRefused, Role, Settings

REFUSED = 3
"""The exit status of a process that does not start as it is set up; uvicorn's is the same."""


def serve_role(settings: Settings, role: Role) -> int:
    """Serve until told to end; returns the exit status."""
    port = settings.web.public_port if role is Role.PUBLIC else settings.web.staff_port
    options = server_options(settings.web.host, port)
    processes = (settings.web.public_processes or cores()) if role is Role.PUBLIC else 1
    if processes == 1:
        uvicorn.run(f"app.main:{role}", factory=True, **options)
        return 0
    configure_logging(settings.log_level, settings.log_format, role)
    import_module("app.main")  # before the fork: what it needs then lies in memory once
    with listen(settings.web.host, port, options["backlog"]) as listening:
        return Siblings(processes, _work(listening, role), refusal=REFUSED).run()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket that the children inherit.

    Raises:
        ConfigurationRefused: The address is none of ours, or somebody else has the port.
    """
    listening: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(backlog)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise ConfigurationRefused([f"Cannot listen on {host} port {port}: {error.strerror}."]) from None
    listening.setblocking(False)
    return listening


class _Announcing(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config, serving: Callable[[], None]) -> None:
        super().__init__(config)
        self._serving = serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._serving()


def _work(listening: socket.socket, role: Role) -> Callable[[Callable[[], None]], int]:
    def work(serving: Callable[[], None]) -> int:
        config = uvicorn.Config(f"app.main:{role}", factory=True, **server_options("", 0))
        try:
            _Announcing(config, serving).run(sockets=[listening])
        except ConfigurationRefused as refused:
            typer.echo(str(refused), err=True)
            return REFUSED
        return 0

    return work
