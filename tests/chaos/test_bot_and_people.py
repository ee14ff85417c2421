"""A bot signs ten thousand times from one network: people hardly notice, all of them count, it does not."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from app.supporters.identity import fold_email
from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.connection import Connection
from devtools.load.people import Person, invent
from devtools.load.signing import ACCEPTED, attempt
from tests.chaos.beside import Said, load_beside, said_of, together
from tests.chaos.evidence import Evidence
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
ROUNDS = 4
"""In each, people sign alone and then others beside the bot: whatever else the machine does falls on both.
All answers of all rounds are held together, those alone against those beside."""
PEOPLE, RATE = 250, 40
"""People a round, alone and beside."""
ATTEMPTS, BOT_RATE, BOT_CLIENTS = 10_000, 180, 16
EACH = ATTEMPTS // ROUNDS
BOT, BOT_DOMAIN = "203.0.113.66", "many-accounts.example"
TOO_MANY = 429
MOST_SLOWER = 2.0
SETTLE_SECONDS, RESOLVED_SECONDS = 240.0, 60.0
MAIL_SECONDS, LONGEST_MAIL_WAIT = 120.0, 15.0
QUARANTINE_SECONDS = 60.0
"""A network is looked back at again after twenty seconds, by a job that waits for two."""
_NOT_APART = """
    select count(*) from signatures where supporter_id = any (%s) and quarantined_at is null
"""


_COUNTING = """
    select count(*) from signatures
     where state = 'confirmed' and quarantined_at is null and invalidated_at is null
"""
_MAIL_WAIT = """
    select extract(epoch from max(m.ended_at - s.signed_at))
      from mails m join signatures s on s.id = m.subject_id
     where not m.yields and s.quarantined_at is null and m.state = 'sent'
"""
_LINKS = "select id, link_version from signatures where state = 'pending' and quarantined_at is not null"


async def people(running: Running, seed: str, network: str) -> Said:
    """Some sign, each from a network of their own."""
    options = ["--seed", seed, "--requests", str(PEOPLE), "--rate", str(RATE), "--seconds", "120"]
    options += ["--clients", "24", "--network", network, "--repeats", "0", "--confirm", "0", "--times"]
    async with load_beside(running, *options) as process:
        return await said_of(process)


async def bot(running: Running, seed: str) -> Said:
    """The bot's share of a round, from one network and with one domain."""
    options = ["--seed", seed, "--requests", str(EACH), "--rate", str(BOT_RATE), "--seconds", "120"]
    options += ["--clients", str(BOT_CLIENTS), "--network", BOT, "--domain", BOT_DOMAIN, "--times"]
    async with load_beside(running, *options, "--repeats", "0", "--confirm", "0") as process:
        return await said_of(process)


def longest_wait(evidence: Evidence) -> float:
    """The longest that anybody's first mail took from signing to sending, but for what yields; in seconds."""
    [(seconds,)] = evidence.query(_MAIL_WAIT)
    return float(seconds)


async def confirm_all(running: Running, tokens: Iterable[str]) -> Counter[int]:
    """What the bot does with the mail it got; how often each status came."""
    waiting, said = list(tokens), Counter[int]()

    async def client() -> None:
        connection = Connection(running.public)
        while waiting:
            body = {"token": waiting.pop()}
            noted, _ = await attempt(connection, 0, "POST", "/api/v1/signatures/confirm", body)
            said[noted.status] += 1
        connection.close()

    await asyncio.gather(*(client() for _ in range(16)))
    return said


@dataclass
class Story:
    """What people and bot were answered, round by round, and what came of it."""

    alones: list[Said] = field(default_factory=list)
    besides: list[Said] = field(default_factory=list)
    bots: list[Said] = field(default_factory=list)
    mail_waited: tuple[float, float] = (0.0, 0.0)
    apart_after: float = 0.0
    bot_confirmed: Counter[int] = field(default_factory=Counter)

    @property
    def bot(self) -> Said:
        return together(self.bots)

    @property
    def slower(self) -> float:
        return together(self.besides).p99 / together(self.alones).p99

    def __str__(self) -> str:
        alone, beside = together(self.alones), together(self.besides)
        accepted, refused = (self.bot.statuses.get(status, 0) for status in (ACCEPTED, TOO_MANY))
        return (
            f"people, p50 and p99 in ms: {len(alone.times)} alone {alone.median:.1f} and {alone.p99:.1f}; "
            f"{len(beside.times)} beside a bot {beside.median:.1f} and {beside.p99:.1f}: {self.slower:.2f}×; "
            f"mail went after {self.mail_waited[0]:.1f} s at the latest, {self.mail_waited[1]:.1f} s beside "
            f"it\nbot: {accepted} of {ATTEMPTS} accepted and {refused} turned away by the flood guard in "
            f"{self.bot.seconds:.0f} s; all of it apart after {self.apart_after:.1f} s, then confirmed: "
            f"{dict(self.bot_confirmed)}"
        )


async def test_people_sign_and_count_beside_a_bot(
    running: Running, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    story = await live_through(running, evidence, seed)
    await evidence.settle(SETTLE_SECONDS, mails=False)
    bots = [invent(n, f"{seed}bot{number}", BOT_DOMAIN) for number in range(ROUNDS) for n in range(EACH)]
    story.apart_after = await until_all_apart(evidence, bots)
    story.bot_confirmed = await confirm_all(running, tokens_of(evidence))
    _, counter, tallies = evidence.confirmed()
    [(counted,)] = evidence.query(_COUNTING)
    tell(f"{story}; counted {counted}, counter {counter}")
    for load in (*story.alones, *story.besides):
        assert load.statuses == {ACCEPTED: PEOPLE}
    assert sum(story.bot.statuses.values()) == ATTEMPTS
    assert set(story.bot.statuses) <= {ACCEPTED, TOO_MANY}
    assert story.bot.statuses[ACCEPTED] > 1_000
    assert story.bot_confirmed == {200: story.bot.statuses[ACCEPTED]}, "whoever waits apart is told so"
    assert counted == counter == tallies == 2 * ROUNDS * PEOPLE
    assert story.mail_waited[1] < LONGEST_MAIL_WAIT
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    assert story.slower < MOST_SLOWER


async def live_through(running: Running, evidence: Evidence, seed: str) -> Story:
    """People sign, then others beside a bot, again and again; all confirm by the mail they get."""
    confirming = ConfirmingLoad(
        running.public,
        Mailboxes(running.mail),
        seed,
        share=1.0,
        whose=lambda address: not address.endswith(BOT_DOMAIN),
    )
    confirms = asyncio.create_task(confirming.run())
    story, waited = Story(), 0.0
    for number in range(ROUNDS):
        story.alones.append(await people(running, f"{seed}a{number}", f"198.{20 + number}."))
        if not number:
            waited = longest_wait(evidence)
        flood = asyncio.create_task(bot(running, f"{seed}bot{number}"))
        story.besides.append(await people(running, f"{seed}b{number}", f"198.{40 + number}."))
        story.bots.append(await flood)
        await until_resolved(evidence)
    ended_at = time.monotonic()
    while len(confirming.confirmed) < 2 * ROUNDS * PEOPLE:
        assert time.monotonic() - ended_at < MAIL_SECONDS, f"{len(confirming.confirmed)} have confirmed"
        await asyncio.sleep(0.2)
    confirming.stopping.set()
    await confirms
    story.mail_waited = waited, longest_wait(evidence)
    return story


async def until_resolved(evidence: Evidence) -> None:
    """What the bot left in the letterbox must not weigh on those who sign alone."""
    began = time.monotonic()
    while evidence.query("select count(*) from intake")[0][0]:
        assert time.monotonic() - began < RESOLVED_SECONDS
        await asyncio.sleep(0.1)


async def until_all_apart(evidence: Evidence, bots: Sequence[Person]) -> float:
    """How long it takes until every signature of the bot waits apart."""
    [(campaign,)] = evidence.query("select campaign_id from petitions")
    hasher, began = evidence.hasher, time.monotonic()
    hashes = [hasher.supporter(campaign, fold_email(bot.email).folded) for bot in bots]
    while left := evidence.query(_NOT_APART, hashes)[0][0]:
        assert time.monotonic() - began < QUARANTINE_SECONDS, (
            f"{left} signatures of the bot count as people's"
        )
        await asyncio.sleep(0.5)
    return time.monotonic() - began


def tokens_of(evidence: Evidence) -> list[str]:
    """The links that were mailed to the bot."""
    rows = evidence.query(_LINKS)
    hasher = evidence.hasher
    return [hasher.link_token(id_, version) for id_, version in rows]
