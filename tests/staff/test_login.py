import asyncio
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy import event

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.tokens import hash_token
from app.crypto.hashing import Hasher
from app.staff.attempts import FOR_ADDRESS, FOR_NETWORK, attempt_jobs
from app.staff.errors import LoginFailed, LoginLocked, WeakPassword
from app.staff.login import LoginDesk
from app.staff.passwords import Passwords
from app.staff.sessions import find_member
from tests.conftest import Addresses
from tests.staff.conftest import EMAIL, PASSWORD, trail

HOME = "192.0.2.7"
NOBODY = "nobody@paper.example"


async def fail(desk: LoginDesk, email: str, times: int, network: str = HOME) -> None:
    for _ in range(times):
        with pytest.raises(LoginFailed):
            await desk.log_in(email, "wrong", network)


def outlast(superuser: psycopg.Connection) -> None:
    """As if every lock had run out."""
    superuser.execute("update login_attempts set locked_until = now() - interval '1 second'")


def wait_left(superuser: psycopg.Connection, key: bytes) -> float:
    row = superuser.execute(
        "select extract(epoch from locked_until - clock_timestamp()) from login_attempts where key_hash = %s",
        (key,),
    ).fetchone()
    assert row is not None
    return float(row[0])


async def test_the_right_password_opens_a_session(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    token = await desk.log_in(f"  {EMAIL.upper()} ", PASSWORD, HOME)
    async with internal.begin() as session:
        member = await find_member(session, token)
    assert (member.id, member.email) == (account, EMAIL)
    assert trail(superuser)[-1] == (f"staff:{account}", "staff:login:succeeded", f"staff:{account}")
    stored = superuser.execute("select token_hash, csrf_hash from staff_sessions").fetchall()
    assert stored == [(hash_token(token), hash_token(member.csrf_token))]
    assert superuser.execute("select last_login_at from staff_accounts").fetchone() != (None,)


async def test_known_and_unknown_addresses_fail_and_lock_alike(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    told = {}
    for email in (EMAIL, NOBODY):
        await fail(desk, email, FOR_ADDRESS.free)
        with pytest.raises(LoginLocked) as locked:
            await desk.log_in(email, "wrong", HOME)
        told[email] = (locked.value.detail, locked.value.retry_after)
    assert told[EMAIL] == told[NOBODY]
    assert told[EMAIL][1] == FOR_ADDRESS.first_lock
    assert [tag for _, tag, _ in trail(superuser)].count("staff:login:locked") == 2
    assert {subject for _, tag, subject in trail(superuser) if "login" in tag} == {
        f"staff:{account}",
        "staff:unknown",
    }


async def test_known_and_unknown_addresses_cost_the_same_statements_and_hashes(
    desk: LoginDesk, account: int, internal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, *given: Any) -> bool:
        done.append("hash")
        return verify(self, *given)

    def executed(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        done.append(statement)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    event.listen(internal.engine.sync_engine, "before_cursor_execute", executed)
    try:
        await fail(desk, EMAIL, 1)
        known, done = done, []
        await fail(desk, NOBODY, 1)
    finally:
        event.remove(internal.engine.sync_engine, "before_cursor_execute", executed)
    assert "hash" in known
    assert known == done


async def test_a_locked_address_is_refused_even_with_the_right_password(
    desk: LoginDesk, account: int
) -> None:
    await fail(desk, EMAIL, FOR_ADDRESS.free)
    with pytest.raises(LoginLocked):
        await desk.log_in(EMAIL, PASSWORD, "198.51.100.1")


async def test_each_failure_after_a_lock_doubles_it_up_to_an_hour(
    desk: LoginDesk, hasher: Hasher, account: int, superuser: psycopg.Connection
) -> None:
    key = hasher.login(f"address {EMAIL}")
    await fail(desk, EMAIL, FOR_ADDRESS.free)
    waits = [wait_left(superuser, key)]
    for step in range(8):
        outlast(superuser)
        await fail(desk, EMAIL, 1, network=f"192.0.2.{step + 100}")
        waits.append(wait_left(superuser, key))
    assert [round(wait, -1) for wait in waits] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_success_starts_the_count_afresh(desk: LoginDesk, account: int) -> None:
    for _ in range(3):
        await fail(desk, EMAIL, FOR_ADDRESS.free - 1)
        await desk.log_in(EMAIL, PASSWORD, HOME)


async def test_at_the_same_time_no_more_come_through_than_are_free(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    outcomes = await asyncio.gather(
        *(desk.log_in(EMAIL, "wrong", f"203.0.113.{n}") for n in range(30)), return_exceptions=True
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(LoginFailed) == FOR_ADDRESS.free
    assert kinds.count(LoginLocked) == 30 - FOR_ADDRESS.free


async def test_two_connections_cannot_share_the_last_attempt(
    desk: LoginDesk, hasher: Hasher, account: int, addresses: Addresses, passwords: Passwords
) -> None:
    await fail(desk, EMAIL, FOR_ADDRESS.free - 1)
    second = Database(addresses.internal, pool_size=1)
    other = LoginDesk(second, hasher, passwords)
    try:
        outcomes = await asyncio.gather(
            desk.log_in(EMAIL, "wrong", HOME), other.log_in(EMAIL, "wrong", HOME), return_exceptions=True
        )
    finally:
        await second.close()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LoginFailed", "LoginLocked"]


async def test_the_attempt_is_counted_before_the_password_is_looked_at(
    desk: LoginDesk, account: int, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_given: object) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(Passwords, "verify", crash)
    with pytest.raises(RuntimeError):
        await desk.log_in(EMAIL, PASSWORD, HOME)
    assert superuser.execute("select failures from login_attempts").fetchall() == [(1,), (1,)]


async def test_a_network_that_fails_with_many_addresses_has_to_wait(desk: LoginDesk, account: int) -> None:
    for number in range(FOR_NETWORK.free):
        await fail(desk, f"guess{number}@paper.example", 1)
    with pytest.raises(LoginLocked):
        await desk.log_in(EMAIL, PASSWORD, HOME)
    assert await desk.log_in(EMAIL, PASSWORD, "198.51.100.1")


async def test_a_network_is_not_charged_for_successes(desk: LoginDesk, account: int) -> None:
    for _ in range(FOR_NETWORK.free + 5):
        await desk.log_in(EMAIL, PASSWORD, HOME)


async def test_old_attempts_are_forgotten_and_deleted_though_nobody_logs_in(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    await fail(desk, NOBODY, 2)
    await fail(desk, EMAIL, FOR_ADDRESS.free - 1)
    superuser.execute("update login_attempts set last_at = now() - interval '25 hours'")
    await fail(desk, EMAIL, 1)
    old = "select count(*) from login_attempts where last_at < now() - interval '1 day'"
    assert superuser.execute(old).fetchone() == (1,)
    [job] = attempt_jobs(internal)
    assert (job.name, job.cron) == ("login_attempts:forget", "57 * * * *")
    await job.run(0)
    assert superuser.execute("select failures from login_attempts").fetchall() == [(1,), (1,)]


async def test_a_disabled_account_does_not_log_in(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    superuser.execute("update staff_accounts set disabled_at = now()")
    with pytest.raises(LoginFailed):
        await desk.log_in(EMAIL, PASSWORD, HOME)


async def test_a_password_changed_during_the_login_does_not_let_in(
    desk: LoginDesk, account: int, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = Passwords.verify

    async def meanwhile(self: Passwords, password: str, stored: str | None) -> object:
        superuser.execute("update staff_accounts set password_hash = 'another'")
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", meanwhile)
    with pytest.raises(LoginFailed):
        await desk.log_in(EMAIL, PASSWORD, HOME)


async def test_a_login_renews_a_hash_made_with_other_parameters(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
    superuser.execute("update staff_accounts set password_hash = %s", (old,))
    await desk.log_in(EMAIL, PASSWORD, HOME)
    row = superuser.execute("select password_hash from staff_accounts").fetchone()
    assert row is not None
    assert "$m=64,t=1,p=1$" in row[0]
    assert await desk.log_in(EMAIL, PASSWORD, HOME)


async def test_changing_the_password_ends_every_other_session(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    await desk.log_in(EMAIL, PASSWORD, HOME)
    mine = await desk.log_in(EMAIL, PASSWORD, HOME)
    async with internal.begin() as session:
        member = await find_member(session, mine)
    with pytest.raises(LoginFailed):
        await desk.change_password(member, "wrong", "violet anchor meadow", HOME)
    with pytest.raises(WeakPassword):
        await desk.change_password(member, PASSWORD, "olena@paper.example", HOME)
    await desk.change_password(member, PASSWORD, "violet anchor meadow", HOME)
    assert superuser.execute("select token_hash from staff_sessions").fetchall() == [(hash_token(mine),)]
    with pytest.raises(LoginFailed):
        await desk.log_in(EMAIL, PASSWORD, HOME)
    assert await desk.log_in(EMAIL, "violet anchor meadow", HOME)


async def test_neither_addresses_nor_passwords_reach_the_trail(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    await fail(desk, EMAIL, FOR_ADDRESS.free)
    await fail(desk, NOBODY, 1)
    written = str(superuser.execute("select * from audit_entries").fetchall())
    assert EMAIL not in written
    assert NOBODY not in written
    assert "wrong" not in written


async def test_strange_input_is_a_failed_login(desk: LoginDesk) -> None:
    for email in ("", "\0", "\ud800@x", "x" * 10_000):
        await fail(desk, email, 1)


async def test_without_the_database_nobody_comes_in(
    account: int, hasher: Hasher, passwords: Passwords
) -> None:
    away = Database("postgresql://haven_internal:none@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await LoginDesk(away, hasher, passwords).log_in(EMAIL, PASSWORD, "192.0.2.1")
    await away.close()


async def test_a_database_that_goes_away_during_the_login_lets_nobody_in_and_the_attempt_stays_counted(
    desk: LoginDesk, account: int, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, away = desk._database, Database("postgresql://haven_internal:none@127.0.0.1:1/none")
    verify = desk._passwords.verify

    async def verify_and_lose(password: str, known: str | None) -> object:
        desk._database = away
        return await verify(password, known)

    monkeypatch.setattr(desk._passwords, "verify", verify_and_lose)
    with pytest.raises(DatabaseUnavailable):
        await desk.log_in(EMAIL, PASSWORD, "192.0.2.1")
    desk._database = home
    assert superuser.execute("select count(*) from staff_sessions").fetchone() == (0,)
    assert superuser.execute("select distinct failures from login_attempts").fetchall() == [(1,)]
    await away.close()
