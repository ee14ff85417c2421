"""The processes under load: Haven's own, and the servers that it is compared with."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.settings import WebSettings
from devtools.bench.world import World
from devtools.run.child import Child, end
from devtools.run.plan import haven
from devtools.run.ports import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60
_END_SECONDS = 6
_LISTENING = "0A"
"""TCP_LISTEN in /proc/net/tcp."""


class CannotMeasure(Exception):
    """Something that is needed did not come up; says what, and where its log is."""


@contextmanager
def running(children: Sequence[Child]) -> Iterator[Sequence[Child]]:
    """Start processes, wait until each is ready, and end them afterwards."""
    try:
        for child in children:
            child.start()
        deadline = time.monotonic() + _START_SECONDS
        for child in children:
            while not child.is_ready():
                if not child.running or time.monotonic() > deadline:
                    raise CannotMeasure(f"{child.name} is not ready ({child.fate()}):\n{child.last_lines()}")
                time.sleep(0.05)
        yield children
    finally:
        end(list(children), _END_SECONDS)


@contextmanager
def public_processes(world: World, count: int) -> Iterator[list[int]]:
    """So many real public processes on one port; gives the ids of those that answer requests."""
    environment = world.environments.of("public")
    ready = f"{world.origin}/readyz"
    if "public_processes" in WebSettings.model_fields:
        environment |= {"HAVEN_PUBLIC_PROCESSES": str(count)}
        child = _child(world, "public", haven("serve", "--role", "public"), environment, ready)
        with running([child]):
            time.sleep(1)  # the one that answered is ready; its siblings started at the same time
            yield _workers(child, count)
        return
    children = [
        _child(world, f"public-{number}", _serving("app.main:public", world.ports.public), environment, ready)
        for number in range(count)
    ]
    with running(children):
        _wait_listening(world.ports.public, count)
        yield [child.process.pid for child in children if child.process]


@contextmanager
def granian_processes(world: World, count: int) -> Iterator[str]:
    """The same public app in so many processes of granian's; gives their origin.

    By the ASGI interface on the loop that `haven serve` takes, with its backlog. What `BoundedProtocol` does,
    bounding heads and writing what lies ready at once, granian has no place for.
    """
    port = free_port()
    command = (
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--loop", "uvloop"),
        *("--http", "1", "--no-ws", "--host", LOOPBACK, "--port", str(port), "--backlog", "2048"),
        *("--workers", str(count), "--workers-kill-timeout", "4", "--no-access-log", "app.main:public"),
    )
    origin = f"http://{LOOPBACK}:{port}"
    child = _child(world, "granian", command, world.environments.of("public"), f"{origin}/readyz")
    with running([child]):
        time.sleep(1)  # as above
        yield origin


@contextmanager
def worker_process(world: World) -> Iterator[Child]:
    """One real worker, with a relay that takes every mail and forgets it."""
    relay = _child(
        world,
        "relay",
        (sys.executable, "-m", "devtools.bench.relay", str(world.ports.smtp)),
        dict(os.environ),
        None,
    )
    worker = _child(
        world,
        "worker",
        haven("worker"),
        world.environments.of("worker"),
        f"http://{LOOPBACK}:{world.ports.worker}/readyz",
    )
    with running([relay, worker]):
        yield worker


@contextmanager
def comparison_processes(world: World, count: int) -> Iterator[str]:
    """So many processes of the servers that Haven is compared with; gives their origin."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    environment |= {
        "BENCH_DATABASE_URL": world.addresses.owner,
        "BENCH_SEALING_KEY": world.files.sealing.read_text("utf-8").strip(),
        "BENCH_HASH_KEY": world.files.hash.read_text("utf-8").strip(),
        "BENCH_SLUG": world.loaded.petition_slug,
    }
    command = _serving("devtools.bench.comparison:build", port)
    children = [
        _child(world, f"plain-{port}-{n}", command, environment, f"http://{LOOPBACK}:{port}/constant")
        for n in range(count)
    ]
    with running(children):
        _wait_listening(port, count)
        yield f"http://{LOOPBACK}:{port}"


@contextmanager
def paused(child: Child) -> Iterator[None]:
    """Stand still for a while; give it nothing to lock before."""
    child.send(signal.SIGSTOP)
    try:
        yield
    finally:
        child.send(signal.SIGCONT)


def resident_bytes(pid: int) -> int:
    """How much memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise CannotMeasure(f"process {pid} is gone")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _child(
    world: World, name: str, command: tuple[str, ...], environment: dict[str, str], ready: str | None
) -> Child:
    return Child(name, command, environment=environment, folder=ROOT, logs=world.folder, ready_url=ready)


def _serving(app: str, port: int) -> tuple[str, ...]:
    return (sys.executable, "-m", "devtools.bench.serving", app, str(port))


def _wait_listening(port: int, count: int) -> None:
    """One that is ready answers for all: wait until the others listen too."""
    address = f"0100007F:{port:04X}"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
        if sum(line[1] == address and line[3] == _LISTENING for line in lines) >= count:
            return
        if time.monotonic() > deadline:
            raise CannotMeasure(f"not all of {count} processes listen on port {port}")
        time.sleep(0.05)


def _workers(child: Child, count: int) -> list[int]:
    """The processes that a parent has started, or itself where it serves alone."""
    if child.process is None:
        return []
    parent = child.process.pid
    found = [
        int(name)
        for task in Path(f"/proc/{parent}/task").iterdir()
        for name in (task / "children").read_text("ascii").split()
    ]
    serving = [pid for pid in found if "resource_tracker" not in _command(pid)]
    return serving if count > 1 and serving else [parent]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
