"""Load from a process of its own, so that what is measured here is not what the load costs."""

import asyncio
import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.journeys.running import ROOT, Running


@dataclass(frozen=True, slots=True)
class Said:
    """How often each status came, in how many seconds, and how quickly each: in milliseconds."""

    statuses: dict[int, int]
    seconds: float
    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return sorted(self.times)[len(self.times) * 99 // 100]


def together(runs: Iterable[Said]) -> Said:
    """Several runs as if they had been one: every answer counts as much as any other."""
    each = list(runs)
    statuses = sum((Counter(said.statuses) for said in each), Counter[int]())
    return Said(dict(statuses), sum(s.seconds for s in each), tuple(t for said in each for t in said.times))


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
    """What it says once it has ended by itself; it was asked for `--times`."""
    out, _ = await process.communicate()
    found = re.search(r"signing +\{(.*)\} in ([\d.]+) s\n(?:.*\n)*?times +(\[.*\])", out.decode())
    assert found, out
    pairs = [pair.split(": ") for pair in found[1].split(", ")]
    statuses = {int(status): int(times) for status, times in pairs}
    return Said(statuses, float(found[2]), tuple(json.loads(found[3])))
