"""Several processes on one socket, tried with the real command and real signals."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.crypto.keys import KeySet, new_keys
from tests.conftest import Addresses
from tests.core.test_refusing_to_start import ROOT, good_environment
from tests.factories import World
from tests.ports import free_port

PATIENCE = 20.0


def until(look: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()}


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii").split()[2] != "Z"
    return False


class Served:
    """`haven serve` in two processes."""

    def __init__(self, addresses: Addresses, sealing: bytes, log: Path, **changes: str) -> None:
        environment = good_environment(addresses.public, sealing) | {"HAVEN_PUBLIC_PROCESSES": "2"} | changes
        self.port = int(environment["HAVEN_PUBLIC_PORT"])
        self.log = log
        with log.open("wb") as file:
            self.parent = subprocess.Popen(
                [sys.executable, "-m", "app.cli.main", "serve"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **environment},
                stdout=file,
                stderr=file,
            )

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def children(self) -> set[int]:
        return children_of(self.parent.pid)

    def wait_ready(self) -> None:
        until(
            lambda: self.log.read_text("utf-8").count("Application startup complete") >= 2 and self.answers()
        )


@pytest.fixture
def served(addresses: Addresses, world: World, keys: KeySet, tmp_path: Path) -> Iterator[Served]:
    run = Served(addresses, keys.sealing, tmp_path / "log")
    run.wait_ready()
    yield run
    run.parent.kill()
    run.parent.wait()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_killed_process_is_replaced_while_the_other_serves_on(served: Served) -> None:
    before = served.children
    victim = min(before)

    os.kill(victim, signal.SIGKILL)
    answered = [served.answers() for _ in range(20)]
    until(lambda: len(served.children) == 2 and victim not in served.children)

    assert len(before) == 2
    assert all(answered)
    assert len(served.children & before) == 1
    until(lambda: served.log.read_text("utf-8").count("Application startup complete") == 3)
    assert served.answers()


def replaced(served: Served, victim: int) -> tuple[int, float]:
    """Kill one; who came instead, and after how many seconds."""
    before = served.children
    ready = served.log.read_text("utf-8").count("Application startup complete")
    os.kill(victim, signal.SIGKILL)
    killed_at = time.monotonic()
    until(lambda: served.children - before)
    took = time.monotonic() - killed_at
    until(lambda: served.log.read_text("utf-8").count("Application startup complete") > ready)
    [new] = served.children - before
    return new, took


def test_who_has_served_for_a_while_is_replaced_as_quickly_the_sixth_time(served: Served) -> None:
    newest, took = max(served.children), 0.0
    for _ in range(6):
        time.sleep(1.2)  # what is shown is that so short a life is long enough
        newest, took = replaced(served, newest)
    assert took < 2


def test_nothing_outlives_a_killed_parent_and_the_port_is_free(served: Served) -> None:
    children = served.children

    served.parent.kill()
    served.parent.wait()

    until(lambda: not any(lives(pid) for pid in children), 3)
    assert is_free(served.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_parent_ends_all_in_order(served: Served, number: signal.Signals) -> None:
    children = served.children
    half = socket.create_connection(("127.0.0.1", served.port))
    half.sendall(b"POST /api/v1/petitions/")

    began = time.monotonic()
    served.parent.send_signal(number)
    status = served.parent.wait(PATIENCE)
    half.close()

    assert status == 0
    assert time.monotonic() - began < 6
    assert not any(lives(pid) for pid in children)
    assert served.log.read_text("utf-8").count("Application shutdown complete") == 2
    assert is_free(served.port)


def test_a_set_up_that_is_refused_ends_the_parent(addresses: Addresses, world: World, tmp_path: Path) -> None:
    """The key is not registered, which only the children find out."""
    run = Served(addresses, new_keys().sealing, tmp_path / "log")

    assert run.parent.wait(PATIENCE) == 3
    assert "HAVEN_SEALING_KEY is not registered" in run.log.read_text("utf-8")


def test_a_port_that_is_taken_is_refused(addresses: Addresses, world: World, tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        run = Served(addresses, new_keys().sealing, tmp_path / "log", HAVEN_PUBLIC_PORT=str(port))

        assert run.parent.wait(PATIENCE) == 3
    assert f"Cannot listen on 127.0.0.1 port {port}" in run.log.read_text("utf-8")


def test_one_process_has_no_parent(addresses: Addresses, keys: KeySet, world: World, tmp_path: Path) -> None:
    run = Served(addresses, keys.sealing, tmp_path / "log", HAVEN_PUBLIC_PROCESSES="1")
    try:
        until(run.answers)
        assert run.children == set()
    finally:
        run.parent.terminate()
        run.parent.wait(PATIENCE)
