import psycopg
import pytest

from app.core.db import Database
from app.core.tokens import hash_token, new_token
from app.staff.errors import CsrfFailed, SessionExpired
from app.staff.login import LoginDesk
from app.staff.sessions import StaffMember, check_csrf, csrf_token, end_session, find_member
from tests.staff.conftest import EMAIL, PASSWORD, trail

HOME = "192.0.2.7"


async def look(database: Database, token: str | None) -> StaffMember:
    async with database.begin() as session:
        return await find_member(session, token)


async def test_an_idle_session_ends(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    token = await desk.log_in(EMAIL, PASSWORD, HOME)
    superuser.execute("update staff_sessions set last_seen_at = now() - interval '29 minutes'")
    await look(internal, token)
    superuser.execute("update staff_sessions set last_seen_at = last_seen_at - interval '29 minutes'")
    await look(internal, token)  # its use counted
    superuser.execute("update staff_sessions set last_seen_at = now() - interval '31 minutes'")
    with pytest.raises(SessionExpired):
        await look(internal, token)


async def test_a_session_in_use_ends_after_twelve_hours(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    token = await desk.log_in(EMAIL, PASSWORD, HOME)
    row = superuser.execute("select expires_at - created_at from staff_sessions").fetchone()
    assert row is not None
    assert row[0].total_seconds() == 12 * 3600
    superuser.execute("update staff_sessions set expires_at = now()")
    with pytest.raises(SessionExpired):
        await look(internal, token)


async def test_a_disabled_account_is_out_at_once(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    token = await desk.log_in(EMAIL, PASSWORD, HOME)
    superuser.execute("update staff_accounts set disabled_at = now()")
    with pytest.raises(SessionExpired):
        await look(internal, token)


@pytest.mark.parametrize("token", [None, "", "short", "ü" * 32, "A" * 32])
async def test_what_is_no_token_opens_nothing(internal: Database, token: str | None) -> None:
    with pytest.raises(SessionExpired):
        await look(internal, token)


async def test_a_token_from_before_the_login_is_never_used(
    desk: LoginDesk, account: int, internal: Database
) -> None:
    planted = new_token()
    token = await desk.log_in(EMAIL, PASSWORD, HOME, replacing=planted)
    assert token != planted
    with pytest.raises(SessionExpired):
        await look(internal, planted)
    again = await desk.log_in(EMAIL, PASSWORD, HOME, replacing=token)
    with pytest.raises(SessionExpired):
        await look(internal, token)
    await look(internal, again)


async def test_logging_out_deletes_the_session_and_is_recorded(
    desk: LoginDesk, account: int, internal: Database, superuser: psycopg.Connection
) -> None:
    token = await desk.log_in(EMAIL, PASSWORD, HOME)
    async with internal.begin() as session:
        await end_session(session, token, "logged out")
    assert superuser.execute("select count(*) from staff_sessions").fetchone() == (0,)
    assert trail(superuser)[-1] == (f"staff:{account}", "staff:session:ended", f"staff:{account}")


async def test_lapsed_sessions_are_cleared_at_the_next_login(
    desk: LoginDesk, account: int, superuser: psycopg.Connection
) -> None:
    await desk.log_in(EMAIL, PASSWORD, HOME)
    superuser.execute("update staff_sessions set last_seen_at = now() - interval '31 minutes'")
    token = await desk.log_in(EMAIL, PASSWORD, HOME)
    assert superuser.execute("select token_hash from staff_sessions").fetchall() == [(hash_token(token),)]
    assert ("staff:session:ended" in [tag for _, tag, _ in trail(superuser)]) is True


async def test_a_form_of_another_session_is_refused(
    desk: LoginDesk, account: int, internal: Database
) -> None:
    mine = await look(internal, await desk.log_in(EMAIL, PASSWORD, HOME))
    other = await look(internal, await desk.log_in(EMAIL, PASSWORD, HOME))
    check_csrf(mine, mine.csrf_token)
    for given in ("", other.csrf_token, mine.token, "ü"):
        with pytest.raises(CsrfFailed):
            check_csrf(mine, given)


def test_a_forms_token_does_not_tell_the_sessions() -> None:
    token = new_token()
    assert token not in csrf_token(token)
    assert csrf_token(token) != csrf_token(new_token())


async def test_nothing_secret_shows_when_a_member_is_printed(
    desk: LoginDesk, account: int, internal: Database
) -> None:
    member = await look(internal, await desk.log_in(EMAIL, PASSWORD, HOME))
    assert member.token not in repr(member)
    assert EMAIL not in repr(member)
