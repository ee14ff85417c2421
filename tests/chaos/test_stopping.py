"""SIGTERM under load: it ends in time, whoever is being served is answered, and what was said holds."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable

import pytest

from devtools.load.people import Person, invent
from devtools.load.signing import ACCEPTED, UNAVAILABLE, SigningLoad, read_wordings
from tests.chaos.evidence import Evidence
from tests.chaos.processes import Processes, start_again
from tests.journeys.running import END_SECONDS, Running, descendants, end, start

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
UNDER_WAY = 0.25
"""Seconds after which a request that was sent has surely arrived."""


class Slow:
    """A client that sends its request in parts."""

    def __init__(self, running: Running) -> None:
        self._port = running.ports["public"]
        self.received = b""

    async def send(self, part: bytes) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self.go_on(part)

    async def go_on(self, part: bytes) -> None:
        self._writer.write(part)
        await self._writer.drain()

    async def read_to_the_end(self) -> bytes:
        """What is answered until the server hangs up, with or without manners."""
        try:
            async with asyncio.timeout(15):
                while data := await self._reader.read(65536):
                    self.received += data
        except ConnectionError:
            pass
        finally:
            self._writer.close()
        return self.received


async def letter_of(running: Running, person: Person) -> tuple[bytes, bytes]:
    """Head and body of a request that signs."""
    body = json.dumps(person.form(await read_wordings(running.public, SLUG))).encode()
    head = (
        f"POST /api/v1/petitions/{SLUG}/signatures HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


def kept(load: SigningLoad, evidence: Evidence, *more: Person) -> None:
    """Everybody who was told so is there, and nobody twice."""
    stored = evidence.signatures_of([*load.people.values(), *more])
    assert len(load.accepted) > 50, "too little load to show anything"
    assert [n for n in load.accepted if not stored[n]] == []
    assert [n for n, found in stored.items() if len(found) > 1] == []


async def test_a_public_process_that_is_told_to_end_serves_those_it_has_begun_with(
    running: Running, processes: Processes, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    load = SigningLoad(running.public, SLUG, seed, rate=150, clients=48, repeats=0)
    loading = asyncio.create_task(load.run())
    late = invent(-1, seed)
    head, body = await letter_of(running, late)
    half_head, half_body, completed = Slow(running), Slow(running), Slow(running)
    await asyncio.sleep(2)
    await half_head.send(head[:40])
    await half_body.send(head + body[:20])
    await completed.send(head + body[:20])
    await asyncio.sleep(0.5)
    pid = await processes.wait_alive("public")

    told_at = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    ending = asyncio.create_task(processes.wait_ended("public", pid))
    await asyncio.sleep(1)
    await completed.go_on(body[20:])
    answers = await asyncio.gather(*(slow.read_to_the_end() for slow in (half_head, half_body, completed)))
    took = await ending
    await asyncio.sleep(6)
    load.stopping.set()
    await loading
    await evidence.settle(120)

    under_way = [a for a in load.attempts if a.began < told_at - UNDER_WAY and a.ended > told_at]
    after = [a for a in load.attempts if a.began > told_at + took]
    tell(
        f"public ended in {took:.1f} s; {len(under_way)} under way, {load.statuses()[0]} not answered; "
        f"half a head: {answers[0][:12]!r}, half a body: {answers[1][:12]!r}"
    )
    assert took < END_SECONDS
    assert [a for a in under_way if a.status != ACCEPTED] == []
    assert b" 202 " in answers[2][:20], answers[2]
    assert not answers[0].startswith(b"HTTP/1.1 2")
    assert not answers[1].startswith(b"HTTP/1.1 2")
    assert {a.status for a in load.attempts} <= {0, ACCEPTED, UNAVAILABLE}
    assert any(a.status == ACCEPTED for a in after), "it did not come back"
    kept(load, evidence, late)
    assert len(evidence.signatures_of([*load.people.values(), late])[-1]) == 1
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)


async def test_all_of_it_ends_in_time_under_load_and_holds_what_was_said(
    seed: str, tell: Callable[[str], None]
) -> None:
    first = start()
    load = SigningLoad(first.public, SLUG, seed, rate=100, clients=32, repeats=0)
    loading = asyncio.create_task(load.run())
    head, body = await letter_of(first, invent(-1, seed))
    half_head, half_body = Slow(first), Slow(first)
    await asyncio.sleep(3)
    await half_head.send(head[:40])
    await half_body.send(head + body[:20])
    below = descendants(first.supervisor.pid)

    told_at = time.monotonic()
    first.supervisor.send_signal(signal.SIGTERM)
    status = await asyncio.to_thread(first.supervisor.wait, 20)
    took = time.monotonic() - told_at
    load.stopping.set()
    await loading
    await asyncio.gather(half_head.read_to_the_end(), half_body.read_to_the_end())
    said = (first.data / "console").read_text("utf-8")
    second = start_again(first)
    try:
        evidence = Evidence(second)
        await evidence.settle(120)
        under_way = [a for a in load.attempts if a.began < told_at - UNDER_WAY and a.ended > told_at]
        tell(f"everything ended in {took:.1f} s; letters acknowledged {len(load.accepted)}")

        assert status == 0
        assert took < END_SECONDS
        assert "is killed" not in said, said
        assert [pid for pid in below if pid in descendants(1)] == []
        assert [a for a in under_way if a.status not in (ACCEPTED, UNAVAILABLE)] == []
        kept(load, evidence)
        assert {state for state, _ in evidence.mails("%").values()} == {"sent"}
        assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    finally:
        end(second)
