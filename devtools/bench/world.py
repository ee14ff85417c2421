"""What a benchmark runs on: a database of its own, the demo campaign, keys; all of it gone afterwards."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from nacl.public import PrivateKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from app.cli.demo.history import synthesise
from app.cli.demo.loading import Loaded, load
from app.core.db import Database
from app.core.embedded import EmbeddedPostgres
from app.core.schema import upgrade
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key, parse_sealing_key
from app.crypto.sealing import OpeningSealer, Sealer
from app.http.wiring import register_key
from devtools.run.environment import Addresses, Environments, choose_stripe
from devtools.run.keys import KeyFiles, make_keys
from devtools.run.ports import LOOPBACK, Ports

CONSOLE = Console(stderr=True)
"""Where progress goes: standard output is for results alone."""


@dataclass(frozen=True)
class World:
    """A migrated database with the demo campaign, and what its processes are told.

    Attributes:
        owner: The owner's connection, in autocommit.
        binaries: PostgreSQL's programs.
        checkpoint: Has the server write to disk what it holds in memory.
    """

    folder: Path
    ports: Ports
    addresses: Addresses
    environments: Environments
    files: KeyFiles
    key_id: int
    loaded: Loaded
    owner: psycopg.Connection
    binaries: Path
    checkpoint: Callable[[], None]

    @property
    def origin(self) -> str:
        """Where the public processes are."""
        return f"http://{LOOPBACK}:{self.ports.public}"

    @property
    def sealer(self) -> Sealer:
        """Seals as the public role does."""
        return Sealer(self.key_id, _sealing(self.files))

    @property
    def opening_sealer(self) -> OpeningSealer:
        """Seals as the worker does."""
        opening = parse_key(self.files.opening.read_text("utf-8"), "opening")
        return OpeningSealer(self.key_id, PrivateKey(opening))

    @property
    def hasher(self) -> Hasher:
        """Hashes as the installation does."""
        return Hasher(parse_key(self.files.hash.read_text("utf-8"), "hash"))

    def number(self, query: LiteralString, *values: object) -> int:
        """One number out of the database."""
        row = self.owner.execute(query, values).fetchone()
        return int(row[0] or 0) if row is not None else 0

    def fill(self, signatures: int) -> None:
        """Bring the demo campaign to so many invented signatures, by COPY, with a progress bar."""
        if not signatures:
            return
        columns = ("inventing signatures", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=CONSOLE) as bars:
            bar = bars.add_task("", total=signatures)
            synthesise(
                self.addresses.owner,
                signatures,
                hasher=self.hasher,
                sealer=self.opening_sealer,
                progress=lambda done, total: bars.update(bar, completed=done, total=total),
            )
        self.owner.execute("vacuum analyze")
        self.checkpoint()  # else the first round pays for writing what was filled in


@contextmanager
def make_world() -> Iterator[World]:
    """Start a PostgreSQL in a temporary folder, migrate it, load the demo campaign; end it all."""
    with tempfile.TemporaryDirectory(prefix="haven-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server's own account must get in
        ports = _free_ports()
        server = EmbeddedPostgres(folder / "postgres", ports.postgres, keys=folder / "keys")
        server.start()
        try:
            server.wait_ready()
            server.bootstrap()
            with psycopg.connect(server.owner_url, autocommit=True) as owner:
                yield _furnish(folder, ports, server, owner)
        finally:
            server.stop()


def _furnish(folder: Path, ports: Ports, server: EmbeddedPostgres, owner: psycopg.Connection) -> World:
    files = make_keys(folder / "keys")
    addresses = Addresses(server.owner_url, server.public_url, server.internal_url)
    upgrade(addresses.owner)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    return World(
        folder=folder,
        ports=ports,
        addresses=addresses,
        environments=Environments(
            outer,
            ports=ports,
            files=files,
            stripe=choose_stripe({}, files),
            addresses=addresses,
            data=folder,
        ),
        files=files,
        key_id=asyncio.run(_register(addresses.owner, _sealing(files))),
        loaded=load(owner),
        owner=owner,
        binaries=server.home.binaries,
        checkpoint=server.checkpoint,
    )


def _sealing(files: KeyFiles) -> bytes:
    return parse_sealing_key(files.sealing.read_text("utf-8"), "sealing")


async def _register(owner_url: str, sealing: bytes) -> int:
    database = Database(owner_url, pool_size=1, name="haven-bench")
    try:
        return await register_key(database, sealing)
    finally:
        await database.close()


def _free_ports() -> Ports:
    """Seven ports that are free now; held open together, so that none comes twice."""
    probes = [socket.socket() for _ in range(7)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return Ports(*(int(probe.getsockname()[1]) for probe in probes))
    finally:
        for probe in probes:
            probe.close()
