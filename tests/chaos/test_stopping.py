"""SIGTERM under load: it ends in time, whoever is being served is answered, and what was said holds."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest

from devtools.load.people import invent
from devtools.load.signing import ACCEPTED, UNAVAILABLE, SigningLoad, read_wordings
from tests.chaos.evidence import Evidence
from tests.chaos.processes import Processes, is_alive, start_again
from tests.chaos.slow import Slow, letter_of
from tests.journeys.running import END_SECONDS, PUBLIC_PROCESSES, Running, descendants, end, start

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
BEGUN = 30
"""Letters whose first half has arrived when the process is told to end."""


class Begun:
    """People who are in the middle of sending their letters."""

    def __init__(self, running: Running, seed: str) -> None:
        self._running = running
        self.people = [invent(-1 - number, seed) for number in range(BEGUN)]
        self._clients = [(Slow(running), b"") for _ in self.people]

    async def begin(self) -> None:
        wordings = await read_wordings(self._running.public, SLUG)
        self._clients = []
        for person in self.people:
            head, body = letter_of(person, wordings)
            client = Slow(self._running)
            await client.send(head + body[:20])
            self._clients.append((client, body[20:]))

    async def finish(self) -> list[bytes]:
        """Send the rest, one after the other within a second; what each was answered."""
        for client, rest in self._clients:
            await client.go_on(rest)
            await asyncio.sleep(1 / BEGUN)
        return await asyncio.gather(*(client.read_to_the_end() for client, _ in self._clients))


def kept(load: SigningLoad, evidence: Evidence, begun: Begun) -> None:
    """Everybody who was told so is there, and nobody twice."""
    stored = evidence.signatures_of([*load.people.values(), *begun.people])
    assert len(load.accepted) > 50, "too little load to show anything"
    assert [n for n in load.accepted if not stored[n]] == []
    assert [n for n, found in stored.items() if len(found) > 1] == []
    assert [p.number for p in begun.people if len(stored[p.number]) != 1] == []


async def test_a_public_process_that_is_told_to_end_serves_those_it_has_begun_with(
    running: Running, processes: Processes, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    load = SigningLoad(running.public, SLUG, seed, rate=150, clients=48, repeats=0)
    loading = asyncio.create_task(load.run())
    begun = Begun(running, seed)
    half_head, half_body = Slow(running), Slow(running)
    await asyncio.sleep(2)
    await begun.begin()
    await half_head.send(b"POST /api/v1/petitions/")
    await half_body.send(letter_of(invent(-1000, seed), [])[0] + b"{")
    await asyncio.sleep(0.5)
    pid = await processes.wait_alive("public")
    children = processes.children()

    told_at = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    ending = asyncio.create_task(processes.wait_ended("public", pid))
    answers = await begun.finish()
    halves = await asyncio.gather(half_head.read_to_the_end(), half_body.read_to_the_end())
    took = await ending
    await asyncio.sleep(6)
    load.stopping.set()
    await loading
    await evidence.settle(120)

    after = [a for a in load.attempts if a.began > told_at + took]
    tell(
        f"public ended in {took:.1f} s; letters acknowledged {len(load.accepted)}, begun before and answered "
        f"{len(answers)}; half a head: {halves[0][:12]!r}, half a body: {halves[1][:12]!r}"
    )
    assert took < END_SECONDS
    assert len(children) == PUBLIC_PROCESSES
    assert [child for child in children if is_alive(child)] == []
    assert [answer for answer in answers if b" 202 " not in answer[:20]] == []
    assert not any(answer.startswith(b"HTTP/1.1 2") for answer in halves)
    assert {a.status for a in load.attempts} <= {0, ACCEPTED, UNAVAILABLE}
    assert any(a.status == ACCEPTED for a in after), "it did not come back"
    kept(load, evidence, begun)
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)


async def test_all_of_it_ends_in_time_under_load_and_holds_what_was_said(
    seed: str, tell: Callable[[str], None]
) -> None:
    first = start()
    load = SigningLoad(first.public, SLUG, seed, rate=100, clients=32, repeats=0)
    loading = asyncio.create_task(load.run())
    begun = Begun(first, seed)
    half_head, half_body = Slow(first), Slow(first)
    await asyncio.sleep(3)
    await begun.begin()
    await half_head.send(b"POST /api/v1/petitions/")
    await half_body.send(letter_of(invent(-1000, seed), [])[0] + b"{")
    await asyncio.sleep(0.5)
    below = descendants(first.supervisor.pid)

    told_at = time.monotonic()
    first.supervisor.send_signal(signal.SIGTERM)
    waiting = asyncio.create_task(asyncio.to_thread(first.supervisor.wait, 20))
    answers = await begun.finish()
    status = await waiting
    took = time.monotonic() - told_at
    load.stopping.set()
    await loading
    await asyncio.gather(half_head.read_to_the_end(), half_body.read_to_the_end())
    said = (first.data / "console").read_text("utf-8")
    second = start_again(first)
    try:
        evidence = Evidence(second)
        await evidence.settle(120)
        tell(f"everything ended in {took:.1f} s; letters acknowledged {len(load.accepted)}")

        assert status == 0
        assert took < END_SECONDS
        assert "is killed" not in said, said
        assert [pid for pid in below if pid in descendants(1)] == []
        assert [answer for answer in answers if b" 202 " not in answer[:20]] == []
        kept(load, evidence, begun)
        assert {state for state, _ in evidence.mails("%").values()} == {"sent"}
        assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    finally:
        end(second)
