"""A bot signs ten thousand times from one network: people hardly notice, all of them count, it does not."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from app.supporters.identity import fold_email
from devtools.load.confirming import ConfirmingLoad, Mailboxes
from devtools.load.connection import Connection
from devtools.load.people import Person, invent
from devtools.load.signing import ACCEPTED, SigningLoad, attempt
from tests.chaos.beside import load_beside, said_of
from tests.chaos.evidence import Evidence
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
PEOPLE, RATE = 500, 20.0
ATTEMPTS, BOT_RATE, BOT_CLIENTS = 10_000, 180, 16
BOT, BOT_DOMAIN = "203.0.113.66", "many-accounts.example"
TOO_MANY = 429
MOST_SLOWER = 2.0
SETTLE_SECONDS = 240.0
MAIL_SECONDS = 240.0
QUARANTINE_SECONDS = 60.0
"""A network is looked back at again after twenty seconds, by a job that waits for two."""
_NOT_APART = """
    select count(*) from signatures s join supporters p on p.id = s.supporter_id
     where p.email_hash = any (%s) and s.quarantined_at is null
"""


_COUNTING = """
    select count(*) from signatures
     where state = 'confirmed' and quarantined_at is null and invalidated_at is null
"""
_LINKS = "select id, link_version from signatures where state = 'pending' and quarantined_at is not null"


def people(running: Running, seed: str, networks: str) -> SigningLoad:
    """Five hundred, each from a network of their own."""
    return SigningLoad(
        running.public,
        SLUG,
        seed,
        rate=RATE,
        clients=24,
        repeats=0,
        most=PEOPLE,
        network=lambda number: f"{networks}.{number // 250}.{number % 250 + 1}",
    )


def p99(load: SigningLoad) -> float:
    return statistics.quantiles([a.seconds for a in load.attempts], n=100)[-1]


def milliseconds(load: SigningLoad) -> str:
    median = statistics.median(a.seconds for a in load.attempts)
    return f"p50 {median * 1000:.1f} ms, p99 {p99(load) * 1000:.1f} ms"


def mail_after(mailboxes: Mailboxes, load: SigningLoad) -> float:
    """The longest that anybody waited for the mail, in seconds."""
    signed = {load.people[a.subject].email: a.ended for a in load.attempts}
    return max(mail.seen_at - signed[mail.to] for mail in mailboxes.caught if mail.to in signed)


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


async def test_people_sign_and_count_beside_a_bot(
    running: Running, evidence: Evidence, seed: str, tell: Callable[[str], None]
) -> None:
    mailboxes = Mailboxes(running.mail)
    confirming = ConfirmingLoad(
        running.public, mailboxes, seed, share=1.0, whose=lambda to: not to.endswith(BOT_DOMAIN)
    )
    confirms = asyncio.create_task(confirming.run())
    alone, beside = people(running, f"{seed}a", "198.18"), people(running, f"{seed}b", "198.19")
    await alone.run()
    answered, took = await beside_a_bot(running, seed, beside)
    ended_at = time.monotonic()
    everybody = [*alone.people.values(), *beside.people.values()]
    while len(confirming.confirmed) < len(everybody):
        assert time.monotonic() - ended_at < MAIL_SECONDS, f"{len(confirming.confirmed)} have confirmed"
        await asyncio.sleep(0.2)
    confirming.stopping.set()
    await confirms
    waited = mail_after(mailboxes, alone), mail_after(mailboxes, beside)
    await evidence.settle(SETTLE_SECONDS, mails=False)

    bots = [invent(number, f"{seed}bot", BOT_DOMAIN) for number in range(ATTEMPTS)]
    apart_after = await until_all_apart(evidence, bots)
    tokens = tokens_of(evidence)
    said = await confirm_all(running, tokens)
    _, counter, tallies = evidence.confirmed()
    [(counted,)] = evidence.query(_COUNTING)
    slower = p99(beside) / p99(alone)
    tell(
        f"people: {len(everybody)}, confirmed {len(confirming.confirmed)}; "
        f"{milliseconds(alone)} alone, {milliseconds(beside)} beside a bot: {slower:.2f}×; "
        f"their mail came after {waited[0]:.1f} s at the latest, {waited[1]:.1f} s beside a bot\n"
        f"bot: {dict(answered)} in {took:.0f} s; {len(tokens)} signatures, apart after {apart_after:.1f} s, "
        f"then confirmed: {dict(said)}; counted {counted}, counter {counter}"
    )
    for load in (alone, beside):
        assert load.statuses() == {ACCEPTED: PEOPLE}
    assert sum(answered.values()) == ATTEMPTS
    assert set(answered) <= {ACCEPTED, TOO_MANY}
    assert answered[ACCEPTED] > 1_000
    assert set(said) == {200}, "whoever waits apart is not told so"
    assert counted == counter == tallies == len(everybody)
    assert evidence.selfcheck() == dict.fromkeys(evidence.selfcheck(), 0)
    assert slower < MOST_SLOWER


async def beside_a_bot(running: Running, seed: str, beside: SigningLoad) -> tuple[dict[int, int], float]:
    """People sign while a bot does from its own process; what the bot was answered, in how many seconds."""
    bot = ["--seed", f"{seed}bot", "--requests", str(ATTEMPTS), "--rate", str(BOT_RATE), "--seconds", "300"]
    bot += ["--clients", str(BOT_CLIENTS), "--network", BOT, "--domain", BOT_DOMAIN, "--confirm", "0"]
    async with load_beside(running, *bot) as process:
        ending = asyncio.create_task(said_of(process))
        await beside.run()
        return await ending


async def until_all_apart(evidence: Evidence, bots: Sequence[Person]) -> float:
    """How long it takes until every signature of the bot waits apart."""
    [(campaign,)] = evidence.query("select campaign_id from petitions")
    hasher, began = evidence.hasher, time.monotonic()
    hashes = [hasher.email(campaign, fold_email(bot.email).folded) for bot in bots]
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
