"""Kills of every process at random moments: what was acknowledged is there, once, and was mailed."""

import asyncio
import random
import re
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.connection import Connection, Unanswered
from devtools.load.signing import ACCEPTED, UNAVAILABLE, Attempt, SigningLoad
from tests.chaos.evidence import Evidence, Stored, repeated
from tests.chaos.processes import POSTGRES, Outage, Processes
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
KILLS = (
    [("public", signal.SIGKILL)] * 3
    + [("worker", signal.SIGKILL)] * 6
    + [(POSTGRES, signal.SIGKILL)] * 3
    + [(POSTGRES, signal.SIGQUIT)] * 2  # PostgreSQL's immediate shutdown
)
RATE = 15.0
GRACE = 3.0
"""Seconds in which a process may still meet what the kill of another one left, such as a dead connection."""
LONGEST_WAIT = 12.0
SETTLE_SECONDS = 240.0
MOST_MAILS = 3


@dataclass
class CountReader:
    """Reads the counter all the time, as pages do."""

    origin: str
    attempts: list[Attempt] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        connection = Connection(self.origin)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                answer = await connection.request("GET", f"/api/v1/petitions/{SLUG}/count")
            except Unanswered:
                self.attempts.append(Attempt(0, began, time.monotonic(), 0))
            else:
                retry_after = "retry-after" in answer.headers
                self.attempts.append(
                    Attempt(0, began, time.monotonic(), answer.status, retry_after=retry_after)
                )
                if answer.status == 200 and isinstance(shown := answer.json(), dict):
                    self.counts.append(shown["count"])
            await asyncio.sleep(0.2)
        connection.close()


@dataclass
class Story:
    """A run: who did what, and what they were answered."""

    signing: SigningLoad
    confirming: ConfirmingLoad
    reading: CountReader
    outages: list[Outage]
    settled_in: float = 0.0

    @property
    def attempts(self) -> list[Attempt]:
        return [*self.signing.attempts, *self.confirming.attempts, *self.reading.attempts]


async def live_through_kills(running: Running, processes: Processes, evidence: Evidence, seed: str) -> Story:
    """Sign and confirm while the kills go on; then let everything settle."""
    signing = SigningLoad(running.public, SLUG, seed, rate=RATE)
    mailboxes = Mailboxes(running.mail)
    confirming = ConfirmingLoad(running.public, mailboxes, seed)
    reading = CountReader(running.public)
    load = [asyncio.create_task(part.run()) for part in (signing, confirming, reading)]
    await kill_at_random(processes, random.Random(seed))  # noqa: S311 - nothing secret
    await asyncio.sleep(5)
    signing.stopping.set()
    await load[0]
    settled_in = await evidence.settle(SETTLE_SECONDS)
    await asyncio.sleep(1)  # until the mailboxes are read and what is in them is confirmed
    confirming.stopping.set()
    reading.stopping.set()
    await asyncio.wait_for(asyncio.gather(*load), 60)
    connection = Connection(running.mail)
    await mailboxes.look(connection)
    connection.close()
    await evidence.settle(30)
    return Story(signing, confirming, reading, processes.outages, settled_in)


async def kill_at_random(processes: Processes, chance: random.Random) -> None:
    """Every kill of the plan in any order, also of what has just been started, or while another is down."""
    plan = chance.sample(KILLS, len(KILLS))
    await asyncio.sleep(5)
    watching = []
    for name, number in plan:
        await asyncio.sleep(chance.uniform(1, 8))
        outage = await processes.kill(name, number)
        watching.append(asyncio.create_task(processes.wait_back(outage)))
    await asyncio.gather(*watching)


async def test_what_was_acknowledged_survives_kills(
    running: Running,
    processes: Processes,
    evidence: Evidence,
    seed: str,
    tell: Callable[[str], None],
) -> None:
    story = await live_through_kills(running, processes, evidence, seed)
    stored = evidence.signatures_of(story.signing.people.values())
    tell(summary(story, stored))

    no_letter_is_lost_and_none_counts_twice(story, stored, evidence)
    confirmations_count(story, stored, evidence)
    mail_is_neither_missing_nor_multiplied(story, stored, evidence)
    answers_were_honest(story)
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    assert running.supervisor.poll() is None
    assert len(processes.outages) == len(KILLS)
    assert nobody_else_ended(evidence) == []


def no_letter_is_lost_and_none_counts_twice(
    story: Story, stored: dict[int, list[Stored]], evidence: Evidence
) -> None:
    accepted = story.signing.accepted
    assert len(accepted) > 300, "too little load to show anything"
    assert [n for n in accepted if not stored[n]] == []
    assert [n for n, signatures in stored.items() if len(signatures) > 1] == []
    arrived = {a.subject for a in story.signing.attempts if a.may_have_arrived}
    assert [n for n, signatures in stored.items() if signatures and n not in arrived] == []
    assert evidence.query("select error from intake_rejected") == []


def confirmations_count(story: Story, stored: dict[int, list[Stored]], evidence: Evidence) -> None:
    state = {s.token: s.state for signatures in stored.values() for s in signatures}
    assert len(story.confirming.confirmed) > 100, "too little load to show anything"
    assert [t for t in story.confirming.confirmed if state[t] != "confirmed"] == []
    assert {t for t, s in state.items() if s == "confirmed"} <= story.confirming.wanted
    rows, counter, tallies = evidence.confirmed()
    assert rows == counter == tallies == len(story.confirming.confirmed)
    counts = story.reading.counts
    assert counts == sorted(counts), "a count that was shown has gone back"
    assert counts[-1] <= rows


def mail_is_neither_missing_nor_multiplied(
    story: Story, stored: dict[int, list[Stored]], evidence: Evidence
) -> None:
    caught = story.confirming.mailboxes.caught
    mails = evidence.mails("confirm_signature", "already_signed", "mailbox_full")
    assert {state for state, _ in mails.values()} == {"sent"}
    assert set(mails) == {mail.message_id for mail in caught}
    asked = {(mail.to, mail.token) for mail in caught if mail.asks_to_confirm}
    people = story.signing.people
    unasked = [n for n, found in stored.items() for s in found if (people[n].email, s.token) not in asked]
    assert unasked == []
    letters = Counter(a.subject for a in story.signing.attempts if a.may_have_arrived)
    number_of = {s.id: n for n, found in stored.items() for s in found}
    mailed = Counter(number_of[subject] for _, subject in mails.values())
    assert [n for n, times in mailed.items() if times > min(letters[n], MOST_MAILS)] == []
    crashes = sum(outage.name in ("worker", POSTGRES) for outage in story.outages)
    assert sum(repeated(caught).values()) <= crashes


def answers_were_honest(story: Story) -> None:
    assert {a.status for a in story.attempts} <= {0, 200, ACCEPTED, UNAVAILABLE}
    assert all(a.retry_after for a in story.attempts if a.status == UNAVAILABLE)
    turned_away = [a for a in story.attempts if a.status == UNAVAILABLE]
    databases = [o for o in story.outages if o.name == POSTGRES]
    publics = [o for o in story.outages if o.name == "public"]
    assert [a for a in turned_away if not met(a, [*databases, *publics])] == []
    assert [a for a in story.attempts if a.status == 0 and not met(a, publics)] == []
    assert max(a.seconds for a in story.attempts) < LONGEST_WAIT


def nobody_else_ended(evidence: Evidence) -> list[str]:
    """Ends that were not our kills: whoever outlives the others' deaths needs no restart."""
    ends = [line for line in evidence.console().splitlines() if re.match(r"\w+ ended \(", line)]
    return [line for line in ends if "(signal 9)" not in line]


def met(attempt: Attempt, outages: list[Outage]) -> bool:
    return any(outage.covers(attempt.began, attempt.ended, grace=GRACE) for outage in outages)


def summary(story: Story, stored: dict[int, list[Stored]]) -> str:
    """What happened, as a table."""
    caught = story.confirming.mailboxes.caught
    accepted = [a.ended for a in story.signing.attempts if a.status == ACCEPTED]
    lines = [
        "",
        f"{'killed':<18}{'times':>6}{'back after':>20}{'back to first sign of life':>34}",
    ]
    for name, what, moments in (
        ("public", "202", accepted),
        ("worker", "mail", [mail.seen_at for mail in caught]),
        (POSTGRES, "202", accepted),
    ):
        outages = [o for o in story.outages if o.name == name and o.back_at is not None]
        down = [(o.back_at or 0) - o.killed_at for o in outages]
        after = [
            min((m - (o.back_at or 0) for m in moments if m > (o.back_at or 0)), default=-1.0)
            for o in outages
        ]
        lines.append(f"{name:<18}{len(outages):>6}{spread(down):>20}{spread(after):>28} {what:<5}")
    turned = Counter(a.status for a in story.attempts if a.status in (0, UNAVAILABLE))
    once = sum(len(found) for found in stored.values())
    accepted_people = story.signing.accepted
    unacknowledged = sum(bool(found) for n, found in stored.items() if n not in accepted_people)
    again = sum(repeated(caught).values())
    people = f"people {len(story.signing.people)}, acknowledged {len(accepted_people)}"
    answers = f"letters {len(accepted)}, 503 {turned[UNAVAILABLE]}, no answer {turned[0]}"
    confirmed = f"confirmed {len(story.confirming.confirmed)}"
    return "\n".join(
        (
            *lines,
            f"{people}; {answers}",
            f"signatures {once}, of these never acknowledged {unacknowledged}, {confirmed}",
            f"mails {len(caught)}, sent twice {again}; settled in {story.settled_in:.1f} s",
            f"longest wait for an answer {max(a.seconds for a in story.attempts):.1f} s",
        )
    )


def spread(seconds: list[float]) -> str:
    """Median and worst."""
    return f"{statistics.median(seconds):.1f} s, {max(seconds):.1f} s" if seconds else "-"
