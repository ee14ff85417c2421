"""The schema: bring it up to date, and refuse to serve on one that is behind or unsafe."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database, async_url
from app.settings import ConfigurationRefused

ROOT = Path(__file__).resolve().parents[2]


def alembic_config() -> Config:
    """Alembic's configuration, with the migrations beside the package."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def expected_revision() -> str:
    """The newest migration that this code knows."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Run the migrations as the owner, one transaction each, one migrator at a time."""
    engine = create_engine(async_url(owner_url), poolclass=pool.NullPool)
    # Two migrators at once would each start the same migration; the second waits and finds it done.
    with engine.connect() as guard, engine.connect() as connection:
        guard.execution_options(isolation_level="AUTOCOMMIT")
        guard.execute(text("select pg_advisory_lock(hashtext('haven migrate'))"))
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def check_database(database: Database) -> None:
    """Refuse a schema that is not this code's, and a server that may lose what it acknowledged.

    Raises:
        ConfigurationRefused: Says what to run or to set.
    """
    async with database.engine.connect() as connection:
        problems = [*await _schema_problems(connection), *await _durability_problems(connection)]
    if problems:
        raise ConfigurationRefused(problems)


async def is_current(database: Database) -> bool:
    """Whether the database answers and has this code's schema: a part of readiness."""
    async with database.begin() as session:
        found = await session.scalar(text("select version_num from alembic_version"))
        return bool(found == expected_revision())


async def _schema_problems(connection: AsyncConnection) -> list[str]:
    there = await connection.scalar(text("select to_regclass('public.alembic_version') is not null"))
    found = await connection.scalar(text("select version_num from alembic_version")) if there else None
    if found == expected_revision():
        return []
    return [
        f"The schema is at {found or 'nothing'}, this code needs {expected_revision()}: run `haven migrate`."
    ]


async def _durability_problems(connection: AsyncConnection) -> list[str]:
    fsync = await connection.scalar(text("select current_setting('fsync')"))
    synchronous = await connection.scalar(text("select current_setting('synchronous_commit')"))
    problems = []
    if fsync != "on":
        problems.append("PostgreSQL runs with fsync=off: a crash would lose signatures. Set fsync=on.")
    if synchronous == "off":
        problems.append("PostgreSQL runs with synchronous_commit=off: set it to on (or stronger).")
    return problems
