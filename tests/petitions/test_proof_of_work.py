"""Proof of work: a solution is good once, for its petition, for ten minutes; forms work without it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from altcha import hash_hex

from app.core.db import Database
from app.petitions import proof_of_work
from app.petitions.errors import ProofOfWorkInvalid, ProofOfWorkMissing
from app.petitions.listed import ask_work
from app.petitions.proof_of_work import ProofOfWork
from tests.factories import World

Challenge = dict[str, str | int]


def solve(challenge: Challenge, **changes: str | int) -> str:
    """As the page's script does."""
    for number in range(int(challenge["maxnumber"]) + 1):
        if hash_hex("SHA-256", f"{challenge['salt']}{number}".encode()) == challenge["challenge"]:
            return packed({**challenge, "number": number, **changes})
    raise AssertionError("no solution")


def packed(payload: object) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


@pytest.fixture
async def work(public: Database) -> AsyncIterator[ProofOfWork]:
    made = ProofOfWork(public, b"k" * 32, lambda: False)
    made.start()
    yield made
    await made.stop()


async def test_a_solution_is_good_once(work: ProofOfWork, superuser: psycopg.Connection) -> None:
    solution = solve(work.issue(1, datetime.now(UTC)))
    assert await work.require(solution, 1) is True
    with pytest.raises(ProofOfWorkInvalid):
        await work.require(solution, 1)
    assert superuser.execute("select count(*) from spent_challenges").fetchone() == (1,)


async def test_a_solution_sent_many_times_at_once_is_good_once(work: ProofOfWork, public: Database) -> None:
    other = ProofOfWork(public, b"k" * 32, lambda: False)
    other.start()
    solution = solve(work.issue(1, datetime.now(UTC)))
    found = await asyncio.gather(*((work, other)[i % 2].offered(solution, 1) for i in range(40)))
    await other.stop()
    assert sorted(map(str, found)) == ["False"] * 39 + ["True"]


async def test_another_spelling_of_a_used_solution_is_the_same(work: ProofOfWork) -> None:
    challenge = work.issue(1, datetime.now(UTC))
    solution = solve(challenge)
    assert await work.require(solution, 1)
    payload = json.loads(base64.b64decode(solution))
    salt = str(payload["salt"])
    for again in (
        payload | {"number": str(payload["number"])},
        payload | {"salt": salt.rstrip("&") if salt.endswith("&") else salt + "&"},
        payload | {"took": 7},
    ):
        assert await work.offered(packed(again), 1) is False


async def test_what_is_made_up_changed_late_or_of_another_petition_is_refused(work: ProofOfWork) -> None:
    now = datetime.now(UTC)
    challenge = work.issue(1, now)
    stranger = ProofOfWork(work._database, b"x" * 32, lambda: False)
    late = work.issue(1, now - timedelta(minutes=11))
    made_up = [
        solve(challenge, signature="0" * 64),
        solve(challenge, number=-1),
        solve(challenge, algorithm="SHA-1"),
        solve(challenge, salt=str(challenge["salt"]).replace("petition=1", "petition=2")),
        solve(late),
        solve(late, salt=str(late["salt"]).replace("expires=", "expires=9")),
        solve(stranger.issue(1, now)),
        solve(work.issue(2, now)),
        *("A", "ä", "e30=", packed([]), packed(7), packed(None), packed({"salt": 7}), "x" * 2_000),
    ]
    for solution in made_up:
        with pytest.raises(ProofOfWorkInvalid):
            await work.require(solution, 1)
    assert await work.require(solve(challenge), 1), "none of that has spent it"


async def test_it_is_asked_where_staff_say_so_or_the_letterbox_fills_up(
    work: ProofOfWork, internal: Database, public: Database, world: World
) -> None:
    assert not work.is_asked(world.petition_id)
    assert await work.require(None, world.petition_id) is False
    assert await work.offered("", world.petition_id) is None
    async with internal.begin() as session:
        assert await ask_work(session, world.petition_slug, timedelta(hours=1), actor="cli")
        assert not await ask_work(session, "nowhere", timedelta(hours=1), actor="cli")
    await work.read_rules()
    assert work.is_asked(world.petition_id)
    assert not work.is_asked(world.second_petition_id)
    with pytest.raises(ProofOfWorkMissing):
        await work.require(None, world.petition_id)
    assert await work.offered("", world.petition_id) is False, "a form is taken all the same"
    async with internal.begin() as session:
        await ask_work(session, world.petition_slug, timedelta(0), actor="cli")
    await work.read_rules()
    assert not work.is_asked(world.petition_id)
    assert ProofOfWork(public, b"k" * 32, lambda: True).is_asked(world.petition_id)


async def test_rules_are_read_on_whatever_goes_wrong_once(
    public: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, again = 0, asyncio.Event()

    async def read_rules(_work: ProofOfWork) -> None:
        nonlocal read
        read += 1
        if read == 1:
            raise RuntimeError("the table is being changed")
        again.set()

    monkeypatch.setattr(ProofOfWork, "read_rules", read_rules)
    monkeypatch.setattr(proof_of_work, "_RULES_SECONDS", 0.01)
    made = ProofOfWork(public, bytes(32), lambda: False)
    made.start()
    await asyncio.wait_for(again.wait(), 5)
    await made.stop()
