"""A real PostgreSQL for every test: one server, one migrated database per worker.

`HAVEN_TEST_SUPERUSER_URL` points the tests at another server (a superuser's address); otherwise one is
started in a temporary folder, from the wheel or from the programs in `HAVEN_TEST_POSTGRES`.
Tests either stay inside one transaction that is rolled back
(`session`), or commit for real and have what they wrote emptied afterwards (`public`, `internal`).
"""

import os
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from hypothesis import settings
from nacl.public import PrivateKey
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import FrozenClock
from app.core.db import Database
from app.core.embedded.server import EmbeddedPostgres
from app.core.logins import derive_login_url, write_login
from app.core.schema import upgrade
from app.crypto.hashing import Hasher
from app.crypto.keys import KeySet, new_keys
from app.crypto.sealing import Opener, Sealer
from tests.factories import World, make_world
from tests.ports import free_port

# How long an example takes says more about the machine than about the code.
settings.register_profile("haven", deadline=None)
settings.load_profile("haven")

CONFIGURED = (
    "alembic_version",
    "campaigns",
    "placements",
    "wordings",
    "keys",
    "petitions",
    "petition_text_versions",
    "appeals",
    "beneficiaries",
    "allocation_shares",
)
"""Tables that hold the world every test starts from; all others are emptied after a committing test."""


@dataclass(frozen=True)
class Addresses:
    """One database by each of its logins."""

    superuser: str
    owner: str
    public: str
    internal: str


def pytest_configure(config: pytest.Config) -> None:
    """Start one server for the whole run, in the process that leads it."""
    # structlog's own default draws every local of a traceback: seconds for each, and a person's data with it.
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=False)]
    )
    _hear_interrupts()
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    given = os.environ.get("HAVEN_TEST_SUPERUSER_URL")
    if not given:
        folder = tempfile.TemporaryDirectory(prefix="haven-tests-", ignore_cleanup_errors=True)
        programs = os.environ.get("HAVEN_TEST_POSTGRES")
        server = EmbeddedPostgres(
            Path(folder.name) / "db",
            free_port(),
            keys=Path(folder.name) / "keys",
            binaries=Path(programs) if programs else None,
        )
        # The server's own account must get in; what is secret lies in folders of its own.
        Path(folder.name).chmod(0o711)
        server.start()
        server.wait_ready()
        config.add_cleanup(folder.cleanup)
        config.add_cleanup(server.stop)
        password = (Path(folder.name) / "keys" / "postgres.password").read_text(encoding="utf-8").strip()
        given = f"postgresql://postgres:{password}@127.0.0.1:{server.port}/postgres"
    os.environ["HAVEN_TEST_SUPERUSER_URL_IN_USE"] = given


def _hear_interrupts() -> None:
    """A shell's background job ignores SIGINT, and so would everything that a test starts and interrupts."""
    on_main = threading.current_thread() is threading.main_thread()
    if on_main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def addresses(worker_id: str) -> Iterator[Addresses]:
    """This worker's own migrated database."""
    superuser = os.environ["HAVEN_TEST_SUPERUSER_URL_IN_USE"]
    name = f"haven_test_{worker_id}_{os.getpid()}"
    owner = urlsplit(superuser)._replace(netloc=_login("haven_owner", superuser), path=f"/{name}").geturl()
    made = Addresses(
        superuser=urlsplit(superuser)._replace(path=f"/{name}").geturl(),
        owner=owner,
        public=derive_login_url(owner, "haven_public"),
        internal=derive_login_url(owner, "haven_internal"),
    )
    _create_database(superuser, name, made)
    upgrade(made.owner)
    yield made
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _login(login: str, superuser: str) -> str:
    parts = urlsplit(superuser)
    return f"{login}:owner-of-{parts.password}@{parts.hostname}:{parts.port}"


def _create_database(superuser: str, name: str, made: Addresses) -> None:
    identifier = sql.Identifier(name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        # Workers start at the same time and make the same logins: one after the other.
        connection.execute("select pg_advisory_lock(4711)")
        for login, url in (
            ("haven_owner", made.owner),
            ("haven_public", made.public),
            ("haven_internal", made.internal),
        ):
            write_login(connection, login, urlsplit(url).password or "")
        connection.execute("select pg_advisory_unlock(4711)")
        connection.execute(
            sql.SQL(
                "create database {} owner haven_owner template template0 encoding 'UTF8' locale 'C'"
            ).format(identifier)
        )
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        connection.execute("alter schema public owner to haven_owner")
        connection.execute("revoke all on schema public from public")


@pytest.fixture(scope="session")
def keys() -> KeySet:
    """This run's keys."""
    return new_keys()


@pytest.fixture(scope="session")
def world(addresses: Addresses, keys: KeySet) -> World:
    """A campaign with an open petition and an open appeal, committed once."""
    with psycopg.connect(addresses.owner) as connection:
        return make_world(connection, keys.sealing)


@pytest.fixture(scope="session")
def sealer(world: World, keys: KeySet) -> Sealer:
    return Sealer(world.key_id, keys.sealing)


@pytest.fixture(scope="session")
def opener(world: World, keys: KeySet) -> Opener:
    return Opener({world.key_id: PrivateKey(keys.opening)})


@pytest.fixture(scope="session")
def hasher(keys: KeySet) -> Hasher:
    return Hasher(keys.hash)


@pytest.fixture(scope="session")
async def public_pool(addresses: Addresses, world: World) -> AsyncIterator[Database]:
    database = Database(addresses.public, pool_size=10)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def internal_pool(addresses: Addresses, world: World) -> AsyncIterator[Database]:
    database = Database(addresses.internal, pool_size=10)
    yield database
    await database.close()


@pytest.fixture
def emptied(addresses: Addresses, world: World) -> Iterator[None]:
    """Empties, afterwards, all that is not configuration; as superuser, past the append-only triggers."""
    yield
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        tables = [name for (name,) in rows if name not in CONFIGURED]
        connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))


@pytest.fixture
def public(public_pool: Database, emptied: None) -> Database:
    """The public role's login; commits are real."""
    return public_pool


@pytest.fixture
def internal(internal_pool: Database, emptied: None) -> Database:
    """The worker's and staff's login; commits are real."""
    return internal_pool


@pytest.fixture
async def session(internal_pool: Database) -> AsyncIterator[AsyncSession]:
    """A session of the internal login whose work is rolled back, commits and rollbacks inside included."""
    async with internal_pool.engine.connect() as connection:
        outer = await connection.begin()
        inner = AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        yield inner
        await inner.close()
        await outer.rollback()


@pytest.fixture
def owner(addresses: Addresses, emptied: None) -> Iterator[psycopg.Connection]:
    """The owner's login, to set up what no serving role may write."""
    with psycopg.connect(addresses.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def superuser(addresses: Addresses, emptied: None) -> Iterator[psycopg.Connection]:
    """The superuser: to look at everything and to turn clocks back."""
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
