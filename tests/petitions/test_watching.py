"""The fraud watch tells a wave of machines from people beside it, in bounded time, and mails once."""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from app.core.db import Database
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.abuse_jobs import abuse_jobs
from app.petitions.judging import HASH_BYTES
from app.petitions.letterbox import post
from app.petitions.linking import Confirmer
from app.petitions.published import read_petition
from app.petitions.resolving import Resolver
from app.petitions.signing import Form, write_letter
from app.petitions.trends import Group, name_trends, origin_trends
from app.petitions.watching import _BEFORE, _GROUPS, _SAMPLE, WATCH, Watcher
from tests.factories import World
from tests.petitions.conftest import a_form

STAFF_URL = "https://staff.haven.example"
REPORTS = """
    select kind, encode(key_hash, 'hex'), shape, signatures, of_all, day_before, unconfirmed
      from watch_reports order by kind, shape
"""
FIRST = ("Olena", "Suzie", "Amal", "Kim", "José", "Zoë", "محمد", "Анна", "Jean-Luc", "D’Arcy")
LAST = (
    "Fenn",
    "Коваль",
    "O'Neil",
    "الحسن",
    "Reyes",
    "van der Berg",
    "Smith",
    "Nowak",
    "Iyer",
    "Ng",
    "Okafor",
)


@pytest.fixture
def watcher(internal: Database, sealer: Sealer, opener: Opener, hasher: Hasher) -> Watcher:
    return Watcher(internal, sealer, opener, hasher, STAFF_URL)


def people(n: int, start: int = 0) -> list[Form]:
    """From all over, a third of them at one provider, thirty in one hostel."""
    chance = random.Random(start + 5)  # noqa: S311 - no secret
    return [
        a_form(
            name=f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            email=f"p{i}@{'gmail.com' if i % 3 else f'firm{i % 50}.example'}",
            network="198.51.100.7" if i < 30 else f"10.{i % 200}.{i // 200}.1",
        )
        for i in range(start, start + n)
    ]


def wave(n: int) -> list[Form]:
    return [a_form(name=f"Robot {i}", email=f"r{i}@bot.example", network="203.0.113.9") for i in range(n)]


Sign = Callable[[Sequence[Form]], Awaitable[list[str]]]


@pytest.fixture
def sign_up(
    public: Database,
    sealer: Sealer,
    world: World,
    resolver: Resolver,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> Sign:
    async def sign_up(forms: Sequence[Form]) -> list[str]:
        async with public.begin() as session:
            petition = await read_petition(session, world.petition_slug, datetime.now(UTC))
            letters = [write_letter(petition, form, sealer) for form in forms]
            await post(session, letters)
        while await resolver.run():
            pass
        return [token_of(letter.id) for letter in letters]

    return sign_up


async def confirm(public: Database, tokens: Sequence[str]) -> None:
    confirmer = Confirmer(public)
    confirmer.start()
    for token in tokens:
        await confirmer.confirm(token)
    await confirmer.stop()


def staff(owner: psycopg.Connection, email: str, roles: str, *, wants: bool = True) -> None:
    owner.execute(
        "insert into staff_accounts (email, name, roles, password_hash, watch_mail) "
        "values (%s, %s, %s, '', %s)",
        (email, email.partition("@")[0], roles, wants),
    )


async def test_a_wave_is_told_and_people_are_not(
    sign_up: Sign,
    public: Database,
    watcher: Watcher,
    hasher: Hasher,
    opener: Opener,
    owner: psycopg.Connection,
    superuser: psycopg.Connection,
) -> None:
    staff(owner, "editor@paper.example", "{editor}")
    staff(owner, "chief@paper.example", "{admin,finance}")
    staff(owner, "books@paper.example", "{finance}")
    staff(owner, "quiet@paper.example", "{editor}", wants=False)
    tokens = await sign_up(people(200))
    await confirm(public, tokens[:110])
    await watcher.run()
    assert superuser.execute(REPORTS).fetchall() == []
    assert superuser.execute("select count(*) from mails where kind = 'fraud_watch'").fetchone() == (0,)

    await sign_up(wave(60))
    # One whose copy does not open, whoever spoilt it, hides the others from nobody.
    superuser.execute(
        "update signatures set own_copy = 'spoilt' where id = (select min(id::text)::uuid from signatures)"
    )
    await watcher.run(0)
    found = superuser.execute(REPORTS).fetchall()
    network = hasher.network("203.0.113.9", datetime.now(UTC).date())[:HASH_BYTES].hex()
    domain = hasher.domain("bot.example")[:HASH_BYTES].hex()
    assert [row[0] for row in found] == ["domain", "first_word", "network", "shape"]
    assert found[0][1:] == (domain, None, 60, 260, 0, 60)
    assert found[2][1:] == (network, None, 60, 260, 0, 60)
    assert found[3][2:] == ("Xx 9", 60, 259, 0, 60)
    written = superuser.execute("select * from watch_reports").fetchall()
    assert "robot" not in str(written).lower()
    row = superuser.execute(
        "select id, pattern_sealed from watch_reports where kind = 'first_word'"
    ).fetchone()
    assert row is not None
    assert opener.open(row[1], row[0]) == {"pattern": "robot*"}

    mailed = superuser.execute(
        "select payload_sealed, message_id from mails where kind = 'fraud_watch' order by id"
    ).fetchall()
    assert len(mailed) == 2
    await watcher.run()
    assert superuser.execute("select count(*) from mails where kind = 'fraud_watch'").fetchone() == (2,)
    assert len(superuser.execute(REPORTS).fetchall()) == 4


async def test_what_is_the_same_every_hour_is_no_trend(
    sign_up: Sign, watcher: Watcher, superuser: psycopg.Connection
) -> None:
    await sign_up([a_form(name="Ada Fenn", email=f"a{i}@town.example", network="") for i in range(80)])
    # The same as every hour of the day before: names apart, nothing tells this hour from it.
    superuser.execute(
        "update signatures set id = encode(substr(decode(replace(uuid_at(now() - interval '3 hours')::text, "
        "'-', ''), 'hex'), 1, 6) || substr(decode(replace(id::text, '-', ''), 'hex'), 7), 'hex')::uuid"
    )
    await sign_up([a_form(name=f"Ada Fenn{i}", email=f"b{i}@town.example", network="") for i in range(60)])
    await watcher.run()
    kinds = superuser.execute("select kind, day_before from watch_reports where kind = 'domain'").fetchall()
    assert kinds == []
    assert superuser.execute("select count(*) from watch_reports").fetchone() != (0,), "names are told"


async def test_reports_and_conditions_are_forgotten_within_thirty_days(
    sign_up: Sign, watcher: Watcher, internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    await sign_up(wave(60))
    await watcher.run()
    superuser.execute(
        "insert into sweeps "
        "(id, petition_id, action, reason, actor, conditions_sealed, expected, started_at) "
        "values (gen_random_uuid(), %(p)s, 'invalidate', 'bot', 'cli', 'x', 1, now()), "
        "(gen_random_uuid(), %(p)s, 'invalidate', 'bot', 'cli', 'x', 1, now() - interval '30 days')",
        {"p": world.petition_id},
    )
    forget = next(job for job in abuse_jobs(internal) if job.name == "signatures:forget_origins")
    assert forget.cron == "37 * * * *"
    await forget.run(0)
    assert superuser.execute("select count(*) from watch_reports").fetchone() == (4,)
    assert superuser.execute("select count(conditions_sealed) from sweeps").fetchone() == (1,)
    superuser.execute("update watch_reports set reported_at = now() - interval '30 days'")
    await forget.run(0)
    assert superuser.execute("select count(*) from watch_reports").fetchone() == (0,)


async def test_it_reads_the_last_hours_by_the_primary_key(
    internal: Database, superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute("set session_replication_role = replica")
    superuser.execute(
        "insert into signatures (id, petition_id, supporter_id, text_version_id, country, locale, name_hash, "
        "details_sealed, link_hash, signed_at, expires_at) "
        "select uuid_at(now() - interval '26 hours' - n * interval '1 second'), %s, gen_random_uuid(), %s, "
        "'GB', 'en', 'n', 'x', sha256(n::text::bytea), now(), now() from generate_series(1, 20000) n",
        (world.petition_id, world.text_version_id),
    )
    superuser.execute("set session_replication_role = origin")
    superuser.execute("analyze signatures")
    values = {"most": 10, "least": 20, "each": 5, "keys": [b""], "petitions": [world.petition_id]}
    async with internal.begin() as session:
        for query in (_GROUPS, _BEFORE, _SAMPLE):
            wanted = {name: values[name] for name in values if f":{name}" in query.text}
            plan = "\n".join(await session.scalars(text(f"explain {query.text}"), wanted))
            assert "pk_signatures" in plan
            assert "Seq Scan" not in plan, plan


def test_the_watch_looks_every_hour(watcher: Watcher) -> None:
    assert [(job.name, job.cron) for job in watcher.jobs()] == [(WATCH, "7 * * * *")]


@pytest.mark.parametrize(
    ("signatures", "unconfirmed", "of_all", "before", "before_all", "told"),
    [
        (60, 60, 260, 0, 0, True),
        (39, 39, 39, 0, 0, False),
        (60, 40, 260, 0, 0, False),
        (300, 120, 600, 0, 5_000, False),
        (400, 0, 600, 0, 5_000, True),
        (400, 400, 600, 3_000, 5_000, False),
        (2_000, 500, 100_000, 10, 1_000, False),
        (1_000, 1_000, 100_000, 0, 1_000, False),
    ],
    ids=[
        "wave",
        "hostel",
        "crowd that confirms",
        "office that confirms",
        "large",
        "as always",
        "carrier in a surge",
        "a hundredth",
    ],
)
def test_shares_and_growth_decide(
    signatures: int, unconfirmed: int, of_all: int, before: int, before_all: int, told: bool
) -> None:
    group = Group(1, "network", b"k" * 8, signatures, unconfirmed, 0)
    assert origin_trends(group, of_all, before, before_all) is told


def test_names_of_people_are_no_pattern() -> None:
    chance = random.Random(11)  # noqa: S311 - no secret
    crowd = [(f"{chance.choice(FIRST)} {chance.choice(LAST)}", chance.random() < 0.6) for _ in range(2_000)]
    assert name_trends(crowd) == []
    bots = [(f"aaaa {n}", False) for n in range(60)]
    assert {(g.kind, g.word, g.signatures) for g in name_trends([*crowd, *bots])} == {("shape", "= 9", 60)}
    lone = [(f"Jo{n} [Doe]", False) for n in range(50)]
    assert [(g.kind, g.word) for g in name_trends(lone)] == [
        ("shape", "Xx9 [Xx]"),
        ("last_word", "* [[]doe]"),
    ]
