"""Clients that send half a request hinder nobody, are closed in time, and do not hold up the end."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Callable

import pytest

from devtools.load.people import invent
from devtools.load.signing import ACCEPTED, UNAVAILABLE, SigningLoad
from tests.chaos.evidence import Evidence
from tests.chaos.processes import Processes, is_alive
from tests.chaos.slow import Slow, letter_of
from tests.journeys.running import END_SECONDS, PUBLIC_PROCESSES, Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
SOCKETS = 200
HEAD_SECONDS, BODY_SECONDS = 10.0, 20.0
LATE_SECONDS = 5.0
"""What a busy machine may add to a time-out."""
LONGEST_P95 = 1.0


async def hold(running: Running, seed: str) -> tuple[list[Slow], list[Slow]]:
    """Two hundred sockets: half of them with half a head, half with half a body."""
    head, body = letter_of(invent(0, seed), [])
    heads = [Slow(running) for _ in range(SOCKETS // 2)]
    bodies = [Slow(running) for _ in range(SOCKETS // 2)]
    await asyncio.gather(*(slow.send(head[: len(head) // 2]) for slow in heads))
    await asyncio.gather(*(slow.send(head + body[: len(body) // 2]) for slow in bodies))
    return heads, bodies


async def closed_after(slow: list[Slow], began: float, patience: float) -> list[float]:
    """How long each of them was kept."""

    async def one(client: Slow) -> float:
        await client.read_to_the_end(patience)
        return time.monotonic() - began

    return await asyncio.gather(*(one(client) for client in slow))


async def test_two_hundred_slow_sockets_hinder_nobody(
    running: Running, processes: Processes, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    load = SigningLoad(running.public, SLUG, seed, rate=40, clients=16, repeats=0)
    loading = asyncio.create_task(load.run())
    await asyncio.sleep(2)
    began = time.monotonic()
    heads, bodies = await hold(running, seed)
    kept_heads, kept_bodies = await asyncio.gather(
        closed_after(heads, began, 2 * HEAD_SECONDS), closed_after(bodies, began, 2 * BODY_SECONDS)
    )
    meanwhile = [a for a in load.attempts if a.ended > began]
    p95 = statistics.quantiles([a.seconds for a in meanwhile], n=20)[-1]

    heads, bodies = await hold(running, seed)
    pid = await processes.wait_alive("public")
    children = processes.children()
    told_at = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    took = await processes.wait_ended("public", pid)
    await asyncio.gather(closed_after(heads, told_at, 15), closed_after(bodies, told_at, 15))
    await asyncio.sleep(6)
    load.stopping.set()
    await loading
    await evidence.settle(120)
    tell(
        f"{len(meanwhile)} signed beside {SOCKETS} slow sockets, p95 {p95 * 1000:.0f} ms; half a head was "
        f"kept {max(kept_heads):.1f} s, half a body {max(kept_bodies):.1f} s; SIGTERM ended in {took:.1f} s"
    )

    assert {a.status for a in meanwhile} == {ACCEPTED}
    assert p95 < LONGEST_P95
    assert max(kept_heads) < HEAD_SECONDS + LATE_SECONDS
    assert max(kept_bodies) < BODY_SECONDS + LATE_SECONDS
    assert len(children) == PUBLIC_PROCESSES
    assert took < END_SECONDS
    assert [child for child in children if is_alive(child)] == []
    assert {a.status for a in load.attempts} <= {0, ACCEPTED, UNAVAILABLE}
    assert any(a.status == ACCEPTED for a in load.attempts if a.began > told_at + took), (
        "it did not come back"
    )
    stored = evidence.signatures_of(load.people.values())
    assert [n for n in load.accepted if len(stored[n]) != 1] == []
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
