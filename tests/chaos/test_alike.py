"""Who is new, has signed, is blocked or waits apart cannot be told from answers, nor from their timing."""

import asyncio
import html
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from secrets import token_hex
from urllib.parse import urlencode

import pytest

from app.core.db import Database
from app.petitions.listed import BLOCK, put_on_list
from app.supporters.identity import fold_email
from devtools.load.connection import Answer, Connection
from devtools.load.people import Wording
from devtools.load.signing import ACCEPTED, SigningLoad, read_wordings
from tests.chaos.beside import load_beside
from tests.chaos.evidence import Evidence
from tests.journeys.running import Running

pytestmark = pytest.mark.chaos

SLUG = "refugees-welcome"
KINDS = ("new", "known", "blocked", "apart")
SAMPLES, ROUNDS = 500, 3
"""So many samples of each kind in a round: a difference by chance goes away with more, a real one stays."""
LOWEST, HIGHEST = 0.45, 0.55
BOT = "203.0.113.77"
BOT_LETTERS = 2_000
"""So many in an hour that its network goes beyond all bounds again early in every minute."""
SAME_PEOPLE = 50
DOMAIN = "outlook.com"
"""A large provider's: its rate says nothing, so that whoever is new counts."""
_NAME = "Suzie Fenn"


@dataclass
class Cast:
    """The people of each kind; their addresses are all of one length."""

    known: list[str] = field(default_factory=lambda: [address() for _ in range(SAME_PEOPLE)])
    blocked: list[str] = field(default_factory=lambda: [address() for _ in range(SAME_PEOPLE)])
    seen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def draw(self, kind: str) -> tuple[str, str]:
        """Somebody of that kind, and the network they come from."""
        network = BOT if kind == "apart" else elsewhere()
        same = {"known": self.known, "blocked": self.blocked}.get(kind)
        drawn = random.choice(same) if same else address()  # noqa: S311 - nothing secret
        self.seen[kind].append(drawn)
        return drawn, network


@dataclass(frozen=True)
class Surface:
    """A way to sign: where it is sent, and what a signer of that address sends."""

    path: str
    body: Callable[[str], object]


def address() -> str:
    return f"signer.{token_hex(8)}@{DOMAIN}"


def elsewhere() -> str:
    """A network that nobody else comes from, written as long as the bot's."""
    return f"198.51.{random.randrange(100, 255)}.{random.randrange(10, 99)}"  # noqa: S311 - nothing secret


async def api_surface(running: Running) -> Surface:
    wordings = await read_wordings(running.public, SLUG)
    return Surface(f"/api/v1/petitions/{SLUG}/signatures", lambda email: letter(email, wordings))


def letter(email: str, wordings: Iterable[Wording]) -> dict[str, object]:
    consents = [{"purpose": w.purpose, "wording_version": w.version, "given": w.required} for w in wordings]
    return {"name": _NAME, "email": email, "country": "GB", "consents": consents}


async def page_surface(running: Running) -> Surface:
    connection = Connection(running.public)
    page = (await connection.request("GET", f"/petitions/{SLUG}")).body.decode()
    connection.close()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    consent = re.search(r'name="consent" value="(\d+)"', page)
    assert consent
    fields = {name: html.unescape(value) for name, value in hidden.items()}
    fields |= {"name": _NAME, "country": "GB", "consent": consent[1], "updates": "no", "website": ""}
    return Surface(f"/petitions/{SLUG}", lambda email: urlencode(fields | {"email": email}).encode())


@pytest.fixture(scope="module")
async def cast(running: Running) -> Cast:
    """People who have signed, people who are blocked, and a network that is known for what it is."""
    made, evidence = Cast(), Evidence(running)
    internal = Database(evidence.internal_url)
    async with internal.begin() as session:
        for blocked in made.blocked:
            address_hash = evidence.hasher.suppression(fold_email(blocked).folded)
            await put_on_list(session, BLOCK, "address", address_hash, note="", actor="test")
    await internal.close()
    api, connection = await api_surface(running), Connection(running.public)
    for known in made.known:
        headers = {"x-forwarded-for": elsewhere()}
        assert (await connection.request("POST", api.path, api.body(known), headers)).status == ACCEPTED
    connection.close()
    # Below what the flood guard lets through, also where one process takes it all.
    bot = SigningLoad(
        running.public, SLUG, "bot", rate=100, clients=8, most=BOT_LETTERS, network=lambda _number: BOT
    )
    await bot.run()
    assert set(bot.statuses()) == {ACCEPTED}
    await evidence.settle(60, mails=False)
    return made


@pytest.mark.parametrize("open_surface", [api_surface, page_surface], ids=["api", "page"])
async def test_nobody_can_be_told_from_anybody_else(
    running: Running,
    evidence: Evidence,
    cast: Cast,
    tell: Callable[[str], None],
    open_surface: Callable[[Running], object],
) -> None:
    surface = await open_surface(running)  # type: ignore[misc]  # one of the two above
    cast.seen.clear()
    times: dict[str, list[float]] = defaultdict(list)
    aucs: dict[tuple[str, str], float] = {}
    answers: set[tuple[object, ...]] = set()
    options = ("--rate", "80", "--clients", "12", "--seconds", "300", "--seed", token_hex(4))
    for number in range(1, ROUNDS + 1):
        async with load_beside(running, *options):
            await asyncio.sleep(1.5)
            answers |= await sample(running, surface, cast, times)
        aucs = {(one, two): auc(times[one], times[two]) for one, two in combinations(KINDS, 2)}
        tell(f"{number * SAMPLES} of each: " + ", ".join(f"{a}/{b} {v:.3f}" for (a, b), v in aucs.items()))
        if all(LOWEST <= value <= HIGHEST for value in aucs.values()):
            break
    await evidence.settle(60, mails=False)

    assert len(answers) == 1, answers
    assert all(LOWEST <= value <= HIGHEST for value in aucs.values()), aucs
    apart = apart_of(evidence, cast)
    assert apart["new"] == apart["known"] == 0
    assert apart["apart"] > 0.8 * len(cast.seen["apart"])
    assert apart["blocked"] == len(set(cast.seen["blocked"]))


async def sample(
    running: Running, surface: Surface, cast: Cast, times: dict[str, list[float]]
) -> set[tuple[object, ...]]:
    """Sign as people of all kinds in any order, over one connection; the different answers that came."""
    order = [kind for kind in KINDS for _ in range(SAMPLES)]
    random.shuffle(order)
    connection = Connection(running.public)
    answers = set()
    for kind in order:
        email, network = cast.draw(kind)
        body, headers = surface.body(email), {"x-forwarded-for": network}
        began = time.perf_counter()
        answer = await connection.request("POST", surface.path, body, headers)
        times[kind].append(time.perf_counter() - began)
        answers.add(comparable(answer, email))
    connection.close()
    return answers


def comparable(answer: Answer, email: str) -> tuple[object, ...]:
    """All of an answer but the request's id, the date, and what its sender typed."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")}
    typed = [email.encode(), html.escape(email).encode()]
    body = answer.body
    for each in typed:
        body = body.replace(each, b"(address)")
    return answer.status, tuple(headers.items()), body


def auc(one: list[float], two: list[float]) -> float:
    """The chance that a value of the second is larger than one of the first, by ranks (Mann and Whitney)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in two])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which)
    return (ranks - len(two) * (len(two) + 1) / 2) / (len(one) * len(two))


def apart_of(evidence: Evidence, cast: Cast) -> dict[str, int]:
    """How many of each kind's signatures wait apart."""
    [(campaign,)] = evidence.query("select campaign_id from petitions")
    hasher = evidence.hasher
    rows = evidence.query(
        "select supporter_id from signatures where quarantined_at is not null and supporter_id is not null"
    )
    apart = {supporter for (supporter,) in rows}
    return {
        kind: len({e for e in set(seen) if hasher.supporter(campaign, fold_email(e).folded) in apart})
        for kind, seen in cast.seen.items()
    }
