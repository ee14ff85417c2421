"""Accounts and a desk whose hashing is cheap."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from app.core.db import Database
from app.crypto.hashing import Hasher
from app.staff.accounts import add_staff
from app.staff.login import LoginDesk
from app.staff.passwords import Cost, Passwords
from tests.conftest import Addresses

EMAIL = "olena@paper.example"
PASSWORD = "maple lantern orbit 42"


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return Passwords(Cost(memory_kib=64, passes=1, lanes=1))


@pytest.fixture
async def owner_database(addresses: Addresses, emptied: None) -> AsyncIterator[Database]:
    database = Database(addresses.owner, pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def account(owner_database: Database, passwords: Passwords) -> int:
    async with owner_database.begin() as session:
        return await add_staff(session, EMAIL, "Olena", ["editor"], PASSWORD, passwords=passwords)


@pytest.fixture
def desk(internal: Database, hasher: Hasher, passwords: Passwords) -> LoginDesk:
    return LoginDesk(internal, hasher, passwords)


def trail(connection: psycopg.Connection) -> list[tuple[str, str, str]]:
    """Every audit entry as (actor, tag, subject), oldest first."""
    rows = connection.execute("select actor, tag, subject from audit_entries order by id").fetchall()
    return [(str(actor), str(tag), str(subject)) for actor, tag, subject in rows]
