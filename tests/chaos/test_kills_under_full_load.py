"""Kills of public processes and stops of PostgreSQL while 64 connections sign and confirm without pause."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest

from devtools.load.confirming import CONFIRMED
from devtools.load.connection import Connection
from devtools.load.signing import ACCEPTED, UNAVAILABLE, Attempt, SigningLoad, attempt
from tests.chaos.evidence import Evidence, Stored
from tests.chaos.processes import CHILD, POSTGRES, Outage, Processes, is_alive
from tests.chaos.test_kills import CountReader, met, nobody_else_ended, spread
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
CHILD_KILLS, PARENT_KILLS, STOPS = 19, 1, 5
SIGNERS, CONFIRMERS = 48, 16
BACK_SECONDS = 10.0
LONGEST_WAIT = 12.0
SETTLE_SECONDS = 240.0
_RESOLVED = """
    select id, link_version from signatures where state = 'pending' order by signed_at desc limit 1500
"""


@dataclass
class Links:
    """Confirms what the worker has resolved, by the links that its mails hold: mails come far behind."""

    running: Running
    evidence: Evidence
    attempts: list[Attempt] = field(default_factory=list)
    resolved_at: list[float] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(3000))

    async def run(self) -> None:
        """Confirm until `stopping` is set."""
        clients = [asyncio.create_task(self._client()) for _ in range(CONFIRMERS)]
        while not self.stopping.is_set():
            try:
                rows = await asyncio.to_thread(self.evidence.query, _RESOLVED)
            except psycopg.OperationalError:
                rows = []
            hasher = self.evidence.hasher
            new = {hasher.link_token(id_, version) for id_, version in rows} - self.sent
            if new:
                self.resolved_at.append(time.monotonic())
            for token in new:
                self.sent.add(token)
                if not self._waiting.full():
                    self._waiting.put_nowait(token)
            await asyncio.sleep(0.5)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self) -> None:
        connection = Connection(self.running.public)
        try:
            while True:
                token = await self._waiting.get()
                path = "/api/v1/signatures/confirm"
                noted, _ = await attempt(connection, 0, "POST", path, {"token": token})
                self.attempts.append(noted)
                if noted.status == CONFIRMED:
                    self.confirmed.add(token)
                elif noted.status in (0, UNAVAILABLE):
                    await asyncio.sleep(0.1)
        finally:
            connection.close()


async def disturb(processes: Processes, chance: random.Random) -> list[int]:
    """Every kill of the plan in any order, a few seconds apart, whatever else is down.

    Returns the children that a killed parent left.
    """
    plan = [CHILD] * CHILD_KILLS + ["public"] * PARENT_KILLS + [POSTGRES] * STOPS
    watching, orphans = [], []
    for name in chance.sample(plan, len(plan)):
        await asyncio.sleep(chance.uniform(0.5, 4))
        if name == CHILD:
            outage = await processes.kill_child(chance)
        else:
            orphans += processes.children() if name == "public" else []
            # SIGQUIT is PostgreSQL's immediate shutdown
            outage = await processes.kill(name, signal.SIGQUIT if name == POSTGRES else signal.SIGKILL)
        watching.append(asyncio.create_task(processes.wait_back(outage)))
    await asyncio.gather(*watching)
    return orphans


def back_after(outage: Outage, moments: list[float]) -> float:
    """How long after the end of an outage the first of these moments came; infinite for never."""
    assert outage.back_at is not None
    return min((m - outage.back_at for m in moments if m > outage.back_at), default=float("inf"))


@dataclass
class Story:
    """A run, and what the database holds of it."""

    signing: SigningLoad
    links: Links
    reading: CountReader
    processes: Processes
    orphans: list[int]
    settled_in: float = 0.0
    stored: dict[int, list[Stored]] = field(default_factory=dict)

    def lost(self) -> list[int]:
        """People who were told that their letter is kept, and of whom there is none."""
        return [number for number in self.signing.accepted if not self.stored[number]]

    def unconfirmed(self) -> list[str]:
        """Links that were answered well, and whose signatures are not confirmed."""
        state = {s.token: s.state for signatures in self.stored.values() for s in signatures}
        return [token for token in self.links.confirmed if state[token] != "confirmed"]

    def back(self) -> dict[str, list[float]]:
        """How soon after each return of PostgreSQL what worked again, in seconds."""
        stops = [outage for outage in self.processes.outages if outage.name == POSTGRES]
        moments = {
            "signing": [a.ended for a in self.signing.attempts if a.status == ACCEPTED],
            "confirming": [a.ended for a in self.links.attempts if a.status == CONFIRMED],
            "resolving": self.links.resolved_at,
        }
        return {what: [back_after(stop, when) for stop in stops] for what, when in moments.items()}

    def __str__(self) -> str:
        kills = Counter(outage.name for outage in self.processes.outages)
        return (
            f"killed {dict(kills)}; signing {dict(self.signing.statuses())} ({rate_of(self.signing):.0f}/s); "
            f"people acknowledged {len(self.signing.accepted)}, lost {len(self.lost())}; confirmations "
            f"acknowledged {len(self.links.confirmed)}, lost {len(self.unconfirmed())}\nback after: "
            + ", ".join(f"{name} {spread(down(self.processes, name))}" for name in kills)
            + "; after PostgreSQL: "
            + ", ".join(f"{what} {spread(seconds)}" for what, seconds in self.back().items())
            + f"; settled in {self.settled_in:.1f} s"
        )


async def test_nothing_acknowledged_is_lost_at_full_load(
    running: Running, processes: Processes, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    worker = await processes.wait_alive("worker")
    story = await live_through(running, processes, evidence, seed)
    story.stored = evidence.signatures_of(story.signing.people.values())
    rows, counter, tallies = evidence.confirmed()
    tell(f"{story}; rows {rows}, counter {counter}, tallies {tallies}")

    kills = Counter(outage.name for outage in processes.outages)
    assert kills == {CHILD: CHILD_KILLS, "public": PARENT_KILLS, POSTGRES: STOPS}
    assert len(story.signing.accepted) > 5_000, "too little load to show anything"
    assert len(story.links.confirmed) > 1_000, "too little load to show anything"
    assert story.lost() == []
    assert [n for n, signatures in story.stored.items() if len(signatures) > 1] == []
    assert story.unconfirmed() == []
    confirmed = {s.token for found in story.stored.values() for s in found if s.state == "confirmed"}
    assert confirmed <= story.links.sent
    assert rows == counter == tallies == len(confirmed) >= len(story.links.confirmed)
    assert evidence.query("select error from intake_rejected") == []
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    assert max(seconds for each in story.back().values() for seconds in each) < BACK_SECONDS
    assert max(down(processes, CHILD)) < BACK_SECONDS
    answers_are_honest(story)
    assert len(story.orphans) > 0
    assert [pid for pid in story.orphans if is_alive(pid)] == []
    assert await processes.wait_alive("worker") == worker
    assert nobody_else_ended(evidence) == []


async def live_through(running: Running, processes: Processes, evidence: Evidence, seed: str) -> Story:
    """Sign and confirm on 64 connections while kills and stops go on; then let the letters settle."""
    signing = SigningLoad(
        running.public, SLUG, seed, rate=float("inf"), clients=SIGNERS, repeats=0.02, pause=0.1
    )
    links, reading = Links(running, evidence), CountReader(running.public)
    load = [asyncio.create_task(part.run()) for part in (signing, links, reading)]
    await asyncio.sleep(3)
    orphans = await disturb(processes, random.Random(seed))  # noqa: S311 - nothing secret
    await asyncio.sleep(BACK_SECONDS)
    for part in (signing, links, reading):
        part.stopping.set()
    await asyncio.wait_for(asyncio.gather(*load), 60)
    settled_in = await evidence.settle(SETTLE_SECONDS, mails=False)
    return Story(signing, links, reading, processes, orphans, settled_in)


def rate_of(signing: SigningLoad) -> float:
    """Letters acknowledged a second, outages included."""
    taken = max(a.ended for a in signing.attempts) - min(a.began for a in signing.attempts)
    return signing.statuses()[ACCEPTED] / taken


def down(processes: Processes, name: str) -> list[float]:
    """How long each outage took until what was started instead answered.

    Whoever serves the public starts with a look at the database: it counts from there on.
    """
    databases = [o for o in processes.outages if o.name == POSTGRES]
    found = []
    for outage in processes.outages:
        if outage.name == name and outage.back_at is not None:
            returns = [o.back_at for o in databases if o is not outage and o.back_at is not None]
            begun = [at for at in returns if outage.killed_at < at < outage.back_at]
            found.append(outage.back_at - max([outage.killed_at, *begun]))
    return found


def answers_are_honest(story: Story) -> None:
    """Nobody is refused but by 503 with a time, nobody waits long, and only kills leave people unanswered."""
    attempts = [*story.signing.attempts, *story.links.attempts, *story.reading.attempts]
    assert {a.status for a in attempts} <= {0, CONFIRMED, ACCEPTED, UNAVAILABLE}
    assert all(a.retry_after for a in attempts if a.status == UNAVAILABLE)
    assert max(a.seconds for a in attempts) < LONGEST_WAIT
    killed = [o for o in story.processes.outages if o.name != POSTGRES]
    unanswered = [a for a in attempts if a.status == 0]
    assert [a for a in unanswered if not met(a, killed)] == []
