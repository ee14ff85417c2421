"""Databases as `haven migrate` leaves them, on the wheel's PostgreSQL and on Debian's."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine, pool

from app.core.db import async_url
from app.core.embedded import EmbeddedPostgres
from app.core.logins import restrict_database
from app.core.schema import alembic_config, upgrade
from tests.factories import World, make_world
from tests.ports import free_port
from tests.requiring import require_debian_postgres


@dataclass(frozen=True)
class Server:
    """One server with the three logins of `make run`."""

    postgres: EmbeddedPostgres
    superuser: str
    """The superuser's address, in Haven's database."""

    @property
    def urls(self) -> dict[str, str]:
        """The addresses of the logins, by name."""
        return {
            "haven_owner": self.postgres.owner_url,
            "haven_public": self.postgres.public_url,
            "haven_internal": self.postgres.internal_url,
        }

    @contextmanager
    def as_login(self, login: str) -> Iterator[psycopg.Connection]:
        """A connection that commits each statement by itself."""
        with psycopg.connect(self.urls[login], autocommit=True) as connection:
            yield connection

    @contextmanager
    def scratch(self, name: str) -> Iterator[str]:
        """The owner's address of an empty database, gone afterwards."""
        identifier = sql.Identifier(name)
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {} owner haven_owner").format(identifier))
            inside = urlsplit(self.superuser)._replace(path=f"/{name}").geturl()
            with psycopg.connect(inside, autocommit=True) as other:
                other.execute("alter schema public owner to haven_owner")
                restrict_database(other, "haven_owner")
            yield urlsplit(self.postgres.owner_url)._replace(path=f"/{name}").geturl()
            connection.execute(sql.SQL("drop database {} with (force)").format(identifier))


@contextmanager
def a_server(binaries: Path | None) -> Iterator[EmbeddedPostgres]:
    """A started server with logins and an empty database."""
    with tempfile.TemporaryDirectory(prefix="haven-migrations-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # the server's own account must get in
        server = EmbeddedPostgres(
            Path(folder) / "db", free_port(), keys=Path(folder) / "keys", binaries=binaries
        )
        server.start()
        try:
            server.wait_ready()
            server.bootstrap()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session", params=["wheel", "debian"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server whose database is migrated; every test here runs on both kinds."""
    with a_server(require_debian_postgres() if request.param == "debian" else None) as postgres:
        upgrade(postgres.owner_url)
        password = (postgres.keys / "postgres.password").read_text(encoding="utf-8").strip()
        yield Server(postgres, f"postgresql://postgres:{password}@127.0.0.1:{postgres.port}/haven")


@pytest.fixture(scope="session")
def small_world(server: Server) -> World:
    """A campaign to hang rows on."""
    with psycopg.connect(server.postgres.owner_url) as connection:
        return make_world(connection, bytes(range(32)))


@contextmanager
def alembic_on(owner_url: str) -> Iterator[Config]:
    """Alembic's configuration on one connection of the owner's."""
    engine = create_engine(async_url(owner_url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        yield config
        connection.commit()
    engine.dispose()


def migrate_to(owner_url: str, revision: str) -> None:
    """Up or down to a revision (`+1`, `-1`, `base`, `head`)."""
    with alembic_on(owner_url) as config:
        if revision == "base" or revision.startswith("-"):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
