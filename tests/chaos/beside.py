"""Load from a process of its own, so that what is measured here is not what the load costs."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.journeys.running import ROOT, Running


@dataclass(frozen=True, slots=True)
class Said:
    """How often each status came, in how many seconds, and how quickly: in milliseconds."""

    statuses: dict[int, int]
    seconds: float
    median: float
    p99: float


@asynccontextmanager
async def load_beside(running: Running, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m devtools.load` with these options, ended with the block where it has not by itself."""
    command = ["-m", "devtools.load", "--public", running.public, "--mail", running.mail, *options]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said_of(process: asyncio.subprocess.Process) -> Said:
    """What it says once it has ended by itself."""
    out, _ = await process.communicate()
    found = re.search(
        r"signing +\{(.*)\} in ([\d.]+) s\s+answered +median ([\d.]+) ms, p99 ([\d.]+) ms", out.decode()
    )
    assert found, out
    pairs = [pair.split(": ") for pair in found[1].split(", ")]
    statuses = {int(status): int(times) for status, times in pairs}
    return Said(statuses, float(found[2]), float(found[3]), float(found[4]))
