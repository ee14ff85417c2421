import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.errors import AppError
from app.staff.accounts import add_staff
from app.staff.passwords import Passwords
from tests.staff.conftest import EMAIL, PASSWORD, trail


async def test_an_account_is_made_and_recorded(account: int, superuser: psycopg.Connection) -> None:
    row = superuser.execute("select email, name, roles, password_hash from staff_accounts").fetchone()
    assert row is not None
    assert row[:3] == (EMAIL, "Olena", ["editor"])
    assert PASSWORD not in row[3]
    assert trail(superuser) == [("cli", "staff:account:added", f"staff:{account}")]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("not an address", ["admin"], PASSWORD), "staff_email_invalid"),
        ((f" {EMAIL.upper()} ", ["admin"], PASSWORD), "staff_email_taken"),
        (("new@paper.example", ["boss"], PASSWORD), "role_unknown"),
        (("new@paper.example", [], PASSWORD), "role_unknown"),
        (("new@paper.example", ["admin"], "new@paper.example"), "weak_password"),
    ],
)
async def test_what_cannot_be_an_account_is_refused(
    account: int,
    owner_database: Database,
    passwords: Passwords,
    asked: tuple[str, list[str], str],
    code: str,
) -> None:
    email, roles, password = asked
    with pytest.raises(AppError) as refusal:
        async with owner_database.begin() as session:
            await add_staff(session, email, "New", roles, password, passwords=passwords)
    assert refusal.value.code == code
    async with owner_database.begin() as session:
        assert await session.scalar(text("select count(*) from staff_accounts")) == 1


async def test_the_serving_login_cannot_add_or_promote_anybody(
    internal: Database, account: int, passwords: Passwords
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with internal.begin() as session:
            await add_staff(session, "new@paper.example", "New", ["admin"], PASSWORD, passwords=passwords)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with internal.begin() as session:
            await session.execute(text("update staff_accounts set roles = '{admin}'"))
