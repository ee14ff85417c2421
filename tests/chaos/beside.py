"""Load from a process of its own, so that what is measured here is not what the load costs."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.journeys.running import ROOT, Running


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


async def said_of(process: asyncio.subprocess.Process) -> tuple[dict[int, int], float]:
    """How often each status came, and in how many seconds, once it has ended by itself."""
    out, _ = await process.communicate()
    found = re.search(r"signing +\{(.*)\} in ([\d.]+) s", out.decode())
    assert found, out
    pairs = [pair.split(": ") for pair in found[1].split(", ")]
    return {int(status): int(times) for status, times in pairs}, float(found[2])
