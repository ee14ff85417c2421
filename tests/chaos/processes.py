"""Which process is which in a running Haven, how they are killed, and when they are back."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psycopg

from app.core.embedded.launching import launch_command
from devtools.load.connection import Connection, Unanswered
from tests.journeys.running import PUBLIC_PROCESSES, ROOT, START_SECONDS, Running, descendants

POSTGRES = "postgres"
CHILD = "child"
"""One of the processes that the public parent keeps."""
Found = TypeVar("Found")
_WORDS = {
    "public": {"serve", "public"},
    "staff": {"serve", "staff"},
    "worker": {"app.cli.main", "worker"},
    "mail": {"devtools.mail_catcher"},
    "stripe": {"devtools.stripe_sim"},
    POSTGRES: {"-D"},
}


@dataclass
class Outage:
    """One kill; times are of `time.monotonic`."""

    name: str
    number: signal.Signals
    killed_at: float
    back_at: float | None = None
    pid: int = 0

    def covers(self, began: float, ended: float, *, grace: float) -> bool:
        """Whether a request met it; `grace` is what the others may need after it to notice, in seconds."""
        end = float("inf") if self.back_at is None else self.back_at + grace
        return began < end and ended > self.killed_at


@dataclass
class Processes:
    """The processes below one supervisor."""

    running: Running
    outages: list[Outage] = field(default_factory=list)

    def pid(self, name: str) -> int | None:
        """The process of that name, as long as there is one; of several that were forked, their parent."""
        if name == CHILD:
            return None
        for pid in descendants(self.running.supervisor.pid):
            command = _command(pid)
            if set(command) >= _WORDS[name] and (name != POSTGRES or _is_server(command)):
                return pid
        return None

    async def wait_alive(self, name: str, seconds: float = 60) -> int:
        """The process of that name, as soon as there is one."""
        return await eventually(lambda: self.pid(name), seconds, f"{name} was not started again")

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> Outage:
        """Kill it as soon as it lives, and note when another one answers in its place."""
        pid = await self.wait_alive(name)
        outage = Outage(name, number, time.monotonic(), pid=pid)
        os.kill(pid, number)
        self.outages.append(outage)
        return outage

    def children(self) -> list[int]:
        """The processes that serve the public, below their parent."""
        parent = self.pid("public")
        return [] if parent is None else sorted(descendants(parent))

    async def kill_child(self, chance: random.Random) -> Outage:
        """Kill any one of the processes that serve the public, as soon as one lives."""
        pids = await eventually(lambda: self.children() or None, 60, "no process serves the public")
        pid = chance.choice(pids)
        outage = Outage(CHILD, signal.SIGKILL, time.monotonic(), pid=pid)
        os.kill(pid, signal.SIGKILL)
        self.outages.append(outage)
        return outage

    async def wait_back(self, outage: Outage, seconds: float = 60) -> float:
        """Note when the one that was started instead answers; says how long that took since the kill."""
        deadline = time.monotonic() + seconds
        while self.pid(outage.name) == outage.pid or not await self._answers(outage.name):
            assert time.monotonic() < deadline, f"{outage.name} is not back after {seconds:g} s"
            await asyncio.sleep(0.05)
        outage.back_at = time.monotonic()
        return outage.back_at - outage.killed_at

    async def _answers(self, name: str) -> bool:
        if name == POSTGRES:
            return await asyncio.to_thread(self._database_answers)
        if name == CHILD and len(self.children()) < PUBLIC_PROCESSES:
            return False
        connection = Connection(self.running.url("public" if name == CHILD else name), patience=3)
        try:
            return (await connection.request("GET", "/healthz")).status == 200
        except Unanswered:
            return False
        finally:
            connection.close()

    def _database_answers(self) -> bool:
        try:
            psycopg.connect(self.running.superuser_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    async def wait_ended(self, name: str, pid: int, seconds: float = 15) -> float:
        """Wait until that very process has ended; says how long that took."""
        began = time.monotonic()
        await eventually(lambda: self.pid(name) != pid or None, seconds, f"{name} does not end")
        return time.monotonic() - began


def start_again(running: Running) -> Running:
    """What has ended, once more: the same data, the same ports."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    environment |= {f"HAVEN_{name.upper()}_PORT": str(port) for name, port in running.ports.items()}
    environment["HAVEN_PUBLIC_PROCESSES"] = str(PUBLIC_PROCESSES)
    console = running.data / "console"
    before = console.stat().st_size
    with console.open("ab") as file:
        supervisor = subprocess.Popen(
            launch_command([sys.executable, "-m", "devtools.run"], death_signal=signal.SIGTERM, folder=ROOT),
            env=environment | {"HAVEN_DATA_DIR": str(running.data)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while b"\nready\n" not in console.read_bytes()[before:]:
        assert supervisor.poll() is None, console.read_text("utf-8")
        assert time.monotonic() < deadline, console.read_text("utf-8")
        time.sleep(0.1)
    return Running(supervisor, running.data, running.ports)


async def eventually(look: Callable[[], Found | None], seconds: float, otherwise: str) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.05)
    return found


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    return Path(f"/proc/{pid}").exists()


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").strip("\0").split("\0")
    except OSError:
        return []


def _is_server(command: list[str]) -> bool:
    """The server itself: its helpers and sessions rename themselves."""
    return any(word.endswith("/postgres") for word in command)
