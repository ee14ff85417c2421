"""Letters are judged where all of them meet; crowds count, bots wait apart, and figures stay exact."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.networks import LOOPBACK
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer
from app.petitions import judging, listed
from app.petitions.abuse_jobs import abuse_jobs
from app.petitions.form_tokens import FormTokens
from app.petitions.judging import HASH_BYTES, QUARANTINE_EARLIER, Judge
from app.petitions.letterbox import post
from app.petitions.linking import Confirmer
from app.petitions.published import read_petition
from app.petitions.resolving import Resolver
from app.petitions.scoring import Counts
from app.petitions.signals import Seen, count
from app.petitions.signing import Form, Marks, write_letter
from app.reports.checking import run_checks
from app.supporters.identity import fold_email
from tests.factories import World
from tests.petitions.conftest import a_form

Drop = Callable[[Sequence[Form]], Awaitable[None]]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def people(n: int, network: str, *, domain: str = "gmail.com", start: int = 0) -> list[Form]:
    return [
        a_form(name=f"Person {i}", email=f"person{i}@{domain}", network=network)
        for i in range(start, start + n)
    ]


@pytest.fixture
def drop(public: Database, sealer: Sealer, world: World) -> Drop:
    async def drop_in(forms: Sequence[Form]) -> None:
        async with public.begin() as session:
            petition = await read_petition(session, world.petition_slug, NOON)
            await post(session, [write_letter(petition, form, sealer) for form in forms])

    return drop_in


async def work(resolver: Resolver) -> None:
    while await resolver.run():
        pass


async def confirm(public: Database, tokens: Sequence[str]) -> None:
    confirmer = Confirmer(public)
    confirmer.start()
    for token in tokens:
        await confirmer.confirm(token)
    await confirmer.stop()


async def check(internal: Database) -> None:
    async with internal.begin() as session:
        findings = await run_checks(session)
    assert {f.name: f.violations for f in findings if f.violations} == {}


def one(superuser: psycopg.Connection, query: str) -> object:
    row = superuser.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


async def test_thirty_people_on_one_wifi_all_count(
    drop: Drop,
    resolver: Resolver,
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    await drop(people(30, "203.0.113.9", domain="hostel.example"))
    await work(resolver)
    rows = superuser.execute("select id from signatures").fetchall()
    await confirm(public, [token_of(i) for (i,) in rows])
    assert one(superuser, "select counted from petition_counts") == 30
    assert one(superuser, "select max(score) from signatures") == 0
    await check(internal)


async def test_a_bot_waits_apart_while_people_count_and_everybody_gets_the_mail(
    drop: Drop,
    resolver: Resolver,
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
    hasher: Hasher,
) -> None:
    crowd = [f for i in range(50) for f in people(1, f"198.51.100.{i}", start=10_000 + i)]
    bot = people(2_500, "203.0.113.9", domain="bot.example")
    await drop([*bot[:200], *crowd[:25], *bot[200:], *crowd[25:]])
    await work(resolver)
    early = one(superuser, "select count(*) from signatures where quarantined_at is null")
    assert isinstance(early, int)
    assert early < 2_550
    jobs = superuser.execute(
        "select args from procrastinate_jobs where task_name = %s", (QUARANTINE_EARLIER,)
    ).fetchall()
    assert len(jobs) == 2, "one job for the network, one for its domain, stand for many batches"
    [reach_back] = [job for job in abuse_jobs(internal) if job.name == QUARANTINE_EARLIER]
    for (args,) in jobs:
        await reach_back.run(**args)
    hopeless = "select count(*) from signatures where quarantined_at is not null and not confirming_releases"
    assert one(superuser, hopeless) == 2_500, "confirming outweighs none of it"
    free = superuser.execute(
        "select id, network_hash from signatures where quarantined_at is null"
    ).fetchall()
    assert len(free) == 50, "all people, and nobody else"
    assert one(superuser, "select count(*) from mails") == 2_550, "nobody is told"
    assert one(superuser, "select count(*) from mails where yields") == 2_550 - early, "people's goes first"
    await confirm(public, [token_of(i) for i, _ in free])
    held = superuser.execute(
        "select id from signatures where quarantined_at is not null and not confirming_releases limit 20"
    ).fetchall()
    await confirm(public, [token_of(i) for (i,) in held])
    assert one(superuser, "select counted from petition_counts") == 50
    assert one(superuser, "select count(*) from signatures where state = 'confirmed'") == 70
    await check(internal)


async def test_letters_are_counted_once_though_reaching_back_has_to_wait(
    drop: Drop, resolver: Resolver, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object, **_named: object) -> None:
        raise DatabaseUnavailable

    jobs = f"select count(*) from procrastinate_jobs where task_name = '{QUARANTINE_EARLIER}'"  # noqa: S608
    await drop(people(1_000, "203.0.113.9"))
    with monkeypatch.context() as patched:
        patched.setattr(judging, "defer", away)
        assert await resolver.run() == 1_000
    assert one(superuser, "select day_count from signals where kind = 'petition'") == 1_000
    assert one(superuser, jobs) == 0
    await drop(people(1, "203.0.113.9", start=1_000))
    await work(resolver)
    assert one(superuser, jobs) == 1, "the next letter has it done"


async def test_what_a_bot_left_early_weighs_as_much_as_what_it_left_last(
    drop: Drop, resolver: Resolver, internal: Database, superuser: psycopg.Connection
) -> None:
    await drop(people(3_300, "203.0.113.9"))
    await work(resolver)
    jobs = superuser.execute(
        "select args from procrastinate_jobs where task_name = %s order by id", (QUARANTINE_EARLIER,)
    ).fetchall()
    assert [args["releases"] for (args,) in jobs] == [1, 0]
    [reach_back] = [job for job in abuse_jobs(internal) if job.name == QUARANTINE_EARLIER]
    for (args,) in jobs:
        await reach_back.run(**args)
    held = "select count(*) from signatures where quarantined_at is not null and not confirming_releases"
    assert one(superuser, held) == 3_300
    await check(internal)


async def test_a_bot_is_no_stranger_when_another_minute_begins(
    drop: Drop, resolver: Resolver, superuser: psycopg.Connection
) -> None:
    for part in range(6):
        await drop(people(200, "203.0.113.9", domain="bot.example", start=200 * part))
        for i in range(200):
            await drop(people(1, f"10.{part}.{i}.1", domain="gmail.com", start=20_000 + 200 * part + i))
    await work(resolver)
    await drop(people(20, "203.0.113.9", domain="bot.example", start=9_000))
    superuser.execute("update intake set received_at = received_at + interval '70 s'")
    await work(resolver)
    held = superuser.execute(
        "select count(*) from signatures where signed_at > now() + interval '30 s' "
        "and quarantined_at is not null and not confirming_releases"
    )
    assert held.fetchone() == (20,)
    apart = superuser.execute("select count(*) from signatures where quarantined_at is not null").fetchone()
    assert apart is not None
    assert apart[0] <= 1_220, "people are left alone"


async def test_a_bot_with_other_peoples_addresses_does_not_speak_against_them(
    drop: Drop,
    resolver: Resolver,
    public: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    """A bot on one network signs with addresses at the domain of a newspaper, whose people sign too."""
    await drop(people(6_000, "203.0.113.9", domain="paper.example"))
    await work(resolver)
    staff = [
        form
        for i in range(30)
        for form in people(1, f"198.51.100.{i}", domain="paper.example", start=10_000 + i)
    ]
    await drop(staff)
    await work(resolver)
    rows = superuser.execute("select id from signatures order by id desc limit 30").fetchall()
    await confirm(public, [token_of(i) for (i,) in rows])
    assert one(superuser, "select counted from petition_counts") == 30


async def test_confirming_releases_who_is_only_a_little_suspect(
    drop: Drop,
    resolver: Resolver,
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> None:
    [form] = people(1, "203.0.113.9")
    await drop([replace(form, via="form", marks=Marks(form_seconds=0, trapped=True))])
    await work(resolver)
    row = superuser.execute("select id, quarantined_at is not null, score from signatures").fetchone()
    assert row is not None
    assert row[1:] == (True, 100)
    await confirm(public, [token_of(row[0]), token_of(row[0])])
    assert one(superuser, "select counted from petition_counts") == 1
    assert one(superuser, "select sum(confirmed)::int from tallies where dimension = 'all'") == 1
    assert one(superuser, "select quarantined_at from signatures") is None
    await check(internal)


async def test_a_blocked_address_gets_no_mail_and_counts_nowhere(
    drop: Drop,
    resolver: Resolver,
    public: Database,
    internal: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
    hasher: Hasher,
) -> None:
    async with internal.begin() as session:
        for kind, value in (
            ("address", hasher.suppression(fold_email("person0@gmail.com").folded)),
            ("network", "203.0.113.0/24"),
            ("domain", "evil.example"),
        ):
            await listed.put_on_list(session, listed.BLOCK, kind, value, note="spam", actor="cli")
        assert len(await listed.read_lists(session)) == 3
    await drop(
        [
            *people(1, "192.0.2.1"),
            *people(1, "203.0.113.200", start=1),
            *people(1, "192.0.2.1", domain="a.evil.example", start=2),
            *people(1, "192.0.2.1", start=3),
        ]
    )
    await work(resolver)
    assert one(superuser, "select count(*) from signatures where quarantined_at is not null") == 3
    assert one(superuser, "select count(*) from mails") == 3
    rows = superuser.execute("select id from signatures").fetchall()
    await confirm(public, [token_of(i) for (i,) in rows])
    assert one(superuser, "select counted from petition_counts") == 1
    assert "gmail" not in str(superuser.execute("select * from audit_entries").fetchall())
    await check(internal)


async def test_a_network_that_staff_vouch_for_and_this_machine_in_a_demo_run_into_nothing(
    drop: Drop,
    resolver: Resolver,
    internal: Database,
    superuser: psycopg.Connection,
    hasher: Hasher,
) -> None:
    async with internal.begin() as session:
        await listed.put_on_list(
            session, listed.ALLOW, "network", "203.0.113.9/32", note="town hall", actor="cli"
        )
    await drop([*people(700, "203.0.113.9"), *people(700, "127.0.0.1", start=700)])
    await work(replace(resolver, judge=Judge(internal, hasher, LOOPBACK)))
    assert one(superuser, "select max(score) from signatures") == 0


async def test_reaching_back_takes_nobody_that_staff_vouch_for_and_looks_no_further_than_it_must(
    drop: Drop, resolver: Resolver, internal: Database, superuser: psycopg.Connection, hasher: Hasher
) -> None:
    vouched = hasher.suppression(fold_email("person0@gmail.com").folded)
    async with internal.begin() as session:
        await listed.put_on_list(session, listed.ALLOW, "address", vouched, note="", actor="cli")
    await drop(people(3, "203.0.113.9"))
    await work(resolver)
    superuser.execute(
        "update signatures set id = uuid_at(now() - interval '4 hours') "
        "where id = (select id from signatures where score = 0 order by id limit 1)"
    )
    network = hasher.network("203.0.113.9", datetime.now(UTC).date())[:HASH_BYTES]
    [reach_back] = [job for job in abuse_jobs(internal) if job.name == QUARANTINE_EARLIER]
    await reach_back.run(network=network.hex(), points=150, releases=0)
    rows = superuser.execute(
        "select score, quarantined_at is not null from signatures order by score"
    ).fetchall()
    assert rows == [(-1, False), (0, False), (150, True)]


async def test_two_who_list_the_same_at_once_are_both_answered_and_the_second_word_holds(
    internal: Database, superuser: psycopg.Connection
) -> None:
    async def allow() -> None:
        async with internal.begin() as session:
            await listed.put_on_list(session, listed.ALLOW, "domain", "town.example", note="b", actor="b")

    async with internal.begin() as session:
        await listed.put_on_list(session, listed.BLOCK, "domain", "town.example", note="a", actor="a")
        second = asyncio.create_task(allow())
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        while one(superuser, waiting) == 0:
            assert not second.done()
            await asyncio.sleep(0.01)
    await second
    assert superuser.execute("select action, note from abuse_lists").fetchall() == [("allow", "b")]
    tags = superuser.execute("select actor, tag from audit_entries order by id").fetchall()
    assert sorted(tags) == [("a", "abuse:domain:block"), ("b", "abuse:domain:allow")]


async def test_origins_are_hashes_of_the_day_and_are_gone_after_thirty_days(
    drop: Drop,
    resolver: Resolver,
    internal: Database,
    superuser: psycopg.Connection,
    hasher: Hasher,
) -> None:
    await drop(people(2, "203.0.113.9"))
    await work(resolver)
    today = datetime.now(UTC).date()
    expected = hasher.network("203.0.113.9", today)[:HASH_BYTES]
    assert superuser.execute("select distinct network_hash from signatures").fetchall() == [(expected,)]
    assert hasher.network("203.0.113.9", today - timedelta(1))[:HASH_BYTES] != expected
    assert "203.0.113" not in str(superuser.execute("select * from signals").fetchall())
    forget = next(job for job in abuse_jobs(internal) if job.name == "signatures:forget_origins")
    await forget.run(0)
    assert one(superuser, "select count(network_hash) from signatures") == 2
    old = superuser.execute("select uuid_at(now() - interval '30 days')").fetchone()
    assert old is not None
    superuser.execute(
        "update signatures set id = %s where id = (select id from signatures order by id limit 1)", old
    )
    await forget.run(0)
    assert superuser.execute("select count(network_hash), count(domain_hash) from signatures").fetchone() == (
        1,
        1,
    )


def test_forgetting_reads_no_more_than_it_takes_however_much_is_due(
    superuser: psycopg.Connection, world: World
) -> None:
    superuser.execute("set session_replication_role = replica")
    superuser.execute(
        "insert into signatures (id, petition_id, supporter_id, text_version_id, country, locale, name_hash, "
        "details_sealed, link_hash, signed_at, expires_at, network_hash) "
        "select uuid_at(now() - interval '40 days' + n * interval '1 second'), %s, gen_random_uuid(), %s, "
        "'GB', 'en', 'n', 'x', sha256(n::text::bytea), now(), now(), 'n' from generate_series(1, 4000) n",
        (world.petition_id, world.text_version_id),
    )
    superuser.execute("set session_replication_role = origin")
    superuser.execute("analyze signatures")
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'signatures'"
    left = "select count(network_hash) from signatures"
    after, calls, due = None, 0, 4_000
    while True:
        with superuser.transaction():
            superuser.execute("set local enable_seqscan = off")
            before = one(superuser, read)
            row = superuser.execute("select forget_origins(%s, now(), 50)", (after,)).fetchone()
            now_read = one(superuser, read)
        assert row is not None
        assert isinstance(now_read, int)
        assert isinstance(before, int)
        if not calls:  # later ones come upon what no vacuum has cleared away yet
            assert now_read - before <= 3_500, "three times 20 × 50"
        if row[0] is None:
            break
        assert after is None or row[0] >= after
        after, calls = row[0], calls + 1
        still = one(superuser, left)
        assert isinstance(still, int)
        assert due - 50 <= still < due
        due = still
    assert due == 0
    assert calls >= 80


async def test_windows_slide_and_late_letters_disturb_nothing(internal: Database) -> None:
    key = ("network", b"k" * 8, "2026-03-02")

    async def add(n: int, at: datetime) -> Counts:
        async with internal.begin() as session:
            return (await count(session, [Seen(key, at)] * n))[key]

    assert await add(10, NOON) == Counts(10, 10, 10)
    assert await add(5, NOON + timedelta(seconds=30)) == Counts(15, 15, 15)
    assert await add(1, NOON + timedelta(minutes=1)) == Counts(1, 16, 16)
    assert await add(1, NOON) == Counts(1, 17, 17), "its minute is over, its hour is not"
    assert await add(4, NOON + timedelta(minutes=75)) == Counts(4, 4 + 13, 21), "three quarters of 17"
    assert await add(1, NOON + timedelta(hours=4)) == Counts(1, 1, 22)


def test_a_form_tells_its_age_and_no_other_token_does() -> None:
    tokens = FormTokens(b"k" * 32)
    token = tokens.issue(7, NOON)
    later = NOON + timedelta(seconds=90)
    assert tokens.seconds(token, 7, later) == 90
    assert tokens.seconds(token, 8, later) is None
    assert tokens.seconds(token, 7, NOON - timedelta(seconds=5)) is None
    assert FormTokens(b"l" * 32).seconds(token, 7, later) is None
    for wrong in ("", "A", "ä" * 22, token[:-2], token + "AAAA", token.swapcase()):
        assert tokens.seconds(wrong, 7, later) is None
    assert tokens.issue(7, NOON) == token, "one page for all readers of a second"
