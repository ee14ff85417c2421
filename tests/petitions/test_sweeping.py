"""Staff invalidate, release and undo in bulk; figures follow exactly, and undoing leaves no trace in them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from app.core.db import Database
from app.core.errors import NotFound
from app.core.ids import new_id
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions import sweeping
from app.petitions.conditions import Conditions
from app.petitions.linking import Confirmer, withdraw
from app.petitions.published import Invalidated, read_petition
from app.petitions.resolving import Resolver
from app.petitions.sweeping import INVALIDATE, RELEASE, RUN, Sweeper
from app.reports.checking import run_checks
from tests.factories import World
from tests.petitions.conftest import Signer, a_form

FIGURES = """
    select t.dimension, t.value, sum(signed)::int, sum(confirmed)::int, sum(withdrawn)::int,
           sum(confirmed - withdrawn - invalidated)::int from tallies t group by 1, 2 order by 1, 2
"""


@pytest.fixture
def sweeper(internal: Database, sealer: Sealer, opener: Opener, hasher: Hasher) -> Sweeper:
    return Sweeper(internal, sealer, opener, hasher)


@pytest.fixture
def lately(world: World) -> Conditions:
    now = datetime.now(UTC)
    return Conditions(world.petition_id, now - timedelta(hours=1), now + timedelta(hours=1))


@pytest.fixture
async def tokens(
    sign: Signer,
    resolver: Resolver,
    public: Database,
    superuser: psycopg.Connection,
    token_of: Callable[..., str],
) -> list[str]:
    """Six from one network, four from another, all confirmed but the last."""
    forms = [
        a_form(
            name=f"Robot {i}" if i < 6 else f"Person {i}",
            email=f"p{i}@{'bot.example' if i < 6 else 'people.example'}",
            network="203.0.113.9" if i < 6 else "198.51.100.7",
            placement="front-page" if i % 2 else None,
        )
        for i in range(10)
    ]
    await sign(*forms[:-1])
    await asyncio.sleep(0.002)  # ids of one millisecond have no order, and the last one is to be the last
    await sign(forms[-1])
    await resolver.run()
    made = [token_of(i) for (i,) in superuser.execute("select id from signatures order by id").fetchall()]
    confirmer = Confirmer(public)
    confirmer.start()
    for token in made[:-1]:
        await confirmer.confirm(token)
    await confirmer.stop()
    return made


async def sweep(
    internal: Database, sweeper: Sweeper, wanted: Conditions, action: str = INVALIDATE, reason: str = "bot"
) -> UUID:
    async with internal.begin() as session:
        trial = await sweeper.try_out(session, wanted)
        sweep_id = await sweeper.start(
            session, action, wanted, reason=reason, actor="staff:1", expected=trial.matching
        )
    await sweeper.run(str(sweep_id))
    return sweep_id


async def check(internal: Database) -> None:
    async with internal.begin() as session:
        findings = await run_checks(session)
    assert {f.name: f.violations for f in findings if f.violations} == {}


def one(superuser: psycopg.Connection, query: str) -> object:
    row = superuser.execute(query.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


@pytest.mark.parametrize(
    ("conditions", "matching", "counting"),
    [
        ({"network": "203.0.113.9"}, 6, 6),
        ({"domain": "bot.example"}, 6, 6),
        ({"pattern": "robot *"}, 6, 6),
        ({"pattern": "Person ?"}, 4, 3),
        ({"placement": "front-page"}, 5, 4),
        ({"placement": "front-page", "network": "203.0.113.9"}, 3, 3),
        ({"shape": "Xx 9"}, 10, 9),
        ({"shape": "Xx 9", "pattern": "robot*"}, 6, 6),
        ({"shape": "Xx Xx"}, 0, 0),
        ({"score_from": 0, "score_below": 100}, 10, 9),
        ({"score_from": 1}, 0, 0),
        ({"quarantined": True}, 0, 0),
        ({"quarantined": False}, 10, 9),
        ({"network": "192.0.2.1"}, 0, 0),
        ({}, 10, 9),
    ],
)
async def test_conditions_are_tried_before(
    conditions: dict[str, str],
    matching: int,
    counting: int,
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "_BATCH", 4)
    async with internal.begin() as session:
        trial = await sweeper.try_out(session, replace(lately, **conditions))  # type: ignore[arg-type]
    assert (trial.matching, trial.counting, len(trial.sample)) == (matching, counting, matching)


async def test_networks_and_domains_are_named_by_their_hashes_too(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
) -> None:
    hashes = superuser.execute(
        "select encode(network_hash, 'hex'), encode(domain_hash, 'hex'), count(*) "
        "from signatures group by 1, 2"
    ).fetchall()
    assert len(hashes) == 2
    for network, domain, count in hashes:
        for wanted in (replace(lately, network=network), replace(lately, domain=domain)):
            async with internal.begin() as session:
                assert (await sweeper.try_out(session, wanted)).matching == count


async def test_a_trial_opens_so_many_names_and_says_so(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "_BATCH", 2)
    monkeypatch.setattr(sweeping, "LOOKED_AT", 4)
    async with internal.begin() as session:
        trial = await sweeper.try_out(session, replace(lately, pattern="robot *"))
    assert (trial.matching, trial.is_partial) == (4, True)


async def test_a_form_that_is_sent_twice_starts_one_sweep(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
) -> None:
    sweep_id = new_id()
    for _ in range(2):
        async with internal.begin() as session:
            await sweeper.start(
                session, INVALIDATE, lately, reason="bot", actor="staff:1", expected=10, sweep_id=sweep_id
            )
    assert one(superuser, "select count(*) from sweeps") == 1
    assert one(superuser, "select count(*) from audit_entries") == 1


async def test_an_invalidation_follows_exactly_and_undoing_it_restores_everything(
    tokens: Sequence[str],
    public: Database,
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "_BATCH", 4)
    before = superuser.execute(FIGURES).fetchall()
    sweep_id = await sweep(internal, sweeper, replace(lately, network="203.0.113.9"))
    assert one(superuser, "select counted from petition_counts") == 3
    assert one(superuser, "select sum(invalidated)::int from tallies where dimension = 'all'") == 6
    assert one(superuser, "select done, expected, finished_at is not null from sweeps") == (6, 6, True)
    await check(internal)
    await sweeper.run(str(sweep_id))
    assert one(superuser, "select counted from petition_counts") == 3, "a job that runs twice changes nothing"

    async with public.begin() as session:
        await withdraw(session, tokens[0])
    await check(internal)
    async with internal.begin() as session:
        await sweeper.start_undo(session, sweep_id, actor="staff:1")
    for _ in range(2):
        await sweeper.undo(str(sweep_id))
    assert one(superuser, "select counted from petition_counts") == 8, "who left meanwhile stays away"
    assert one(superuser, "select count(*) from signatures where sweep_id is not null") == 0
    await check(internal)
    after = superuser.execute(FIGURES).fetchall()
    assert [row[:4] for row in after] == [row[:4] for row in before]
    tags = superuser.execute("select tag from audit_entries order by id").fetchall()
    assert [tag for (tag,) in tags] == ["signatures:invalidate:started", "signatures:invalidate:undone"]


EVENTS = """
    select sum(confirmed)::int, sum(withdrawn)::int, sum(invalidated)::int
      from tallies where dimension = 'all'
"""
BY_REASON = "select reason, signatures, counted from invalidation_counts order by reason"


async def test_figures_by_reason_follow_exactly(
    tokens: Sequence[str],
    public: Database,
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
    world: World,
) -> None:
    robots = await sweep(internal, sweeper, replace(lately, network="203.0.113.9"))
    others = await sweep(internal, sweeper, replace(lately, pattern="Person *"), reason="false_name")
    assert superuser.execute(BY_REASON).fetchall() == [("bot", 6, 6), ("false_name", 4, 3)]
    async with public.begin() as session:
        petition = await read_petition(session, world.petition_slug, datetime.now(UTC))
    assert petition.count == 0
    assert petition.invalidated == (Invalidated("bot", 6, 6), Invalidated("false_name", 4, 3))
    await check(internal)

    # One who counted leaves, one who had not confirmed does: still invalidated, and still not counted.
    confirmer = Confirmer(public)
    confirmer.start()
    await confirmer.confirm(tokens[-1])
    await confirmer.stop()
    async with public.begin() as session:
        await withdraw(session, tokens[0])
    assert superuser.execute(BY_REASON).fetchall() == [("bot", 6, 6), ("false_name", 4, 3)]
    assert superuser.execute(EVENTS).fetchone() == (9, 0, 9)
    await check(internal)

    for sweep_id in (robots, others):
        async with internal.begin() as session:
            await sweeper.start_undo(session, sweep_id, actor="staff:1")
        await sweeper.undo(str(sweep_id))
        await check(internal)
    assert superuser.execute(BY_REASON).fetchall() == [("bot", 0, 0), ("false_name", 0, 0)]
    # As if nobody had invalidated anything: ten confirmed, one of them left.
    assert superuser.execute(EVENTS).fetchone() == (10, 1, 0)
    assert one(superuser, "select counted from petition_counts") == 9
    async with public.begin() as session:
        assert (await read_petition(session, world.petition_slug, datetime.now(UTC))).invalidated == ()


async def test_what_was_invalidated_in_quarantine_is_not_released(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
) -> None:
    superuser.execute(
        "update signatures set quarantined_at = now(), score = 150 "
        "where id = (select max(id::text)::uuid from signatures)"
    )
    sweep_id = await sweep(internal, sweeper, replace(lately, quarantined=True))
    await sweep(internal, sweeper, replace(lately, quarantined=True), RELEASE)
    superuser.execute("select release_signatures(array(select id from signatures))")
    assert one(superuser, "select count(*) from signatures where quarantined_at is not null") == 1
    async with internal.begin() as session:
        await sweeper.start_undo(session, sweep_id, actor="staff:1")
    await sweeper.undo(str(sweep_id))
    assert one(superuser, "select count(*) from signatures where quarantined_at is not null") == 1
    await check(internal)


async def test_undoing_stops_what_is_still_running(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeping, "_BATCH", 2)
    async with internal.begin() as session:
        sweep_id = await sweeper.start(
            session, INVALIDATE, lately, reason="bot", actor="staff:1", expected=10
        )
    assert await sweeper._step(sweep_id)
    assert one(superuser, "select done from sweeps") == 2
    async with internal.begin() as session:
        await sweeper.start_undo(session, sweep_id, actor="staff:1")
    await sweeper.run(str(sweep_id))
    await sweeper.undo(str(sweep_id))
    assert one(superuser, "select counted from petition_counts") == 9
    await check(internal)


async def test_staff_release_from_quarantine(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
    sign: Signer,
    resolver: Resolver,
    public: Database,
    token_of: Callable[..., str],
) -> None:
    superuser.execute(
        "insert into abuse_lists (action, kind, domain) values ('block', 'domain', 'people.example')"
    )
    await sign(a_form(name="Una Fenn", email="una@people.example", network="198.51.100.8"))
    await resolver.run()
    token = token_of(one(superuser, "select id from signatures order by id desc limit 1"))
    confirmer = Confirmer(public)
    confirmer.start()
    await confirmer.confirm(token)
    await confirmer.stop()
    assert one(superuser, "select counted from petition_counts") == 9
    await sweep(internal, sweeper, replace(lately, quarantined=True), RELEASE)
    assert one(superuser, "select counted from petition_counts") == 10
    await check(internal)


async def test_what_staff_looked_for_is_sealed(
    tokens: Sequence[str],
    internal: Database,
    sweeper: Sweeper,
    lately: Conditions,
    superuser: psycopg.Connection,
) -> None:
    await sweep(internal, sweeper, replace(lately, pattern="Robot 3", domain="bot.example"))
    for table in ("sweeps", "audit_entries", "procrastinate_jobs"):
        query = sql.SQL("select * from {}").format(sql.Identifier(table))
        written = str(superuser.execute(query).fetchall())
        assert "Robot" not in written, table
        assert "bot.example" not in written, table
    job = superuser.execute("select args from procrastinate_jobs where task_name = %s", (RUN,)).fetchone()
    assert job is not None
    assert list(job[0]) == ["sweep"]


async def test_nonsense_is_refused(internal: Database, sweeper: Sweeper, lately: Conditions) -> None:
    with pytest.raises(ValueError, match="31 days"):
        replace(lately, since=lately.until - timedelta(days=40))
    async with internal.begin() as session:
        with pytest.raises(ValueError, match="reason"):
            await sweeper.start(session, INVALIDATE, lately, reason="dislike", actor="cli", expected=1)
        with pytest.raises(NotFound):
            await sweeper.start_undo(session, new_id(), actor="cli")
