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
from tests.chaos.beside import Said, load_beside, said_of
from tests.chaos.evidence import Evidence
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
PEOPLE, RATE = 500, 40
TIMES = 2
"""So often they sign beside the bot, and without it, before and after: what else the machine does meanwhile
only adds, so it is the quickest beside the bot that is held against the slowest alone."""
ATTEMPTS, BOT_RATE, BOT_CLIENTS = 10_000, 180, 16
BOT, BOT_DOMAIN = "203.0.113.66", "many-accounts.example"
TOO_MANY = 429
MOST_SLOWER = 2.0
SETTLE_SECONDS = 240.0
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
    """Five hundred sign, each from a network of their own."""
    options = ["--seed", seed, "--requests", str(PEOPLE), "--rate", str(RATE), "--seconds", "120"]
    options += ["--clients", "24", "--network", network, "--repeats", "0", "--confirm", "0"]
    async with load_beside(running, *options) as process:
        return await said_of(process)


async def ten_thousand(running: Running, seed: str) -> Said:
    """The bot, from one network and with one domain."""
    options = ["--seed", seed, "--requests", str(ATTEMPTS), "--rate", str(BOT_RATE), "--seconds", "300"]
    options += ["--clients", str(BOT_CLIENTS), "--network", BOT, "--domain", BOT_DOMAIN]
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


def told(loads: Sequence[Said]) -> str:
    return ", ".join(f"{said.median:.1f} and {said.p99:.1f}" for said in loads)


@dataclass
class Story:
    """What people and bot were answered, and what came of it."""

    alones: list[Said]
    besides: list[Said]
    bot: Said
    mail_waited: tuple[float, float]
    apart_after: float = 0.0
    bot_confirmed: Counter[int] = field(default_factory=Counter)

    @property
    def alone(self) -> Said:
        return max(self.alones, key=lambda said: said.p99)

    @property
    def beside(self) -> Said:
        return min(self.besides, key=lambda said: said.p99)

    @property
    def slower(self) -> float:
        return self.beside.p99 / self.alone.p99

    def __str__(self) -> str:
        return (
            f"people, p50 and p99 in ms: alone {told(self.alones)}; beside a bot {told(self.besides)}: "
            f"{self.slower:.2f}×; "
            f"mail went after {self.mail_waited[0]:.1f} s at the latest, {self.mail_waited[1]:.1f} s beside "
            f"it\nbot: {self.bot.statuses} in {self.bot.seconds:.0f} s; all of it apart after "
            f"{self.apart_after:.1f} s, then confirmed: {dict(self.bot_confirmed)}"
        )


async def test_people_sign_and_count_beside_a_bot(
    running: Running, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    story = await live_through(running, evidence, seed)
    await evidence.settle(SETTLE_SECONDS, mails=False)
    bots = [invent(number, f"{seed}bot", BOT_DOMAIN) for number in range(ATTEMPTS)]
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
    assert counted == counter == tallies == 2 * TIMES * PEOPLE
    assert story.mail_waited[1] < LONGEST_MAIL_WAIT
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    assert story.slower < MOST_SLOWER


async def live_through(running: Running, evidence: Evidence, seed: str) -> Story:
    """People sign, then others beside a bot; all of them confirm by the mail they get."""
    confirming = ConfirmingLoad(
        running.public,
        Mailboxes(running.mail),
        seed,
        share=1.0,
        whose=lambda address: not address.endswith(BOT_DOMAIN),
    )
    confirms = asyncio.create_task(confirming.run())
    alones = [await people(running, f"{seed}a", "198.18.")]
    waited = longest_wait(evidence)
    bot = asyncio.create_task(ten_thousand(running, f"{seed}bot"))
    besides = [await people(running, f"{seed}b{n}", f"198.{19 + n}.") for n in range(TIMES)]
    answered = await bot
    alones.append(await people(running, f"{seed}c", "198.17."))
    ended_at = time.monotonic()
    while len(confirming.confirmed) < 2 * TIMES * PEOPLE:
        assert time.monotonic() - ended_at < MAIL_SECONDS, f"{len(confirming.confirmed)} have confirmed"
        await asyncio.sleep(0.2)
    confirming.stopping.set()
    await confirms
    return Story(alones, besides, answered, (waited, longest_wait(evidence)))


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
