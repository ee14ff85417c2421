"""The database: naming convention, engine, and the unit of work, the only place that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from sqlalchemy import MetaData, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.core.errors import DatabaseUnavailable, Overloaded

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of every table."""

    metadata = MetaData(naming_convention=NAMING)


def async_url(url: str) -> str:
    """A `postgresql://` address for SQLAlchemy's asyncio engine on psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same address for psycopg and libpq themselves."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """One login's bounded pool of connections.

    Args:
        url: `postgresql://login:password@host:port/name`.
        pool_size: The most connections held; a caller waits 5 seconds for one, then gets `Overloaded`.
        prepare: Off behind a transaction-pooling PgBouncer, which has no prepared statements.
    """

    def __init__(self, url: str, *, pool_size: int = 10, prepare: bool = True, name: str = "haven") -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,  # statements that fail are logged; what they carried is not
            connect_args={
                "prepare_threshold": 5 if prepare else None,
                # A server that is silent costs its callers no more than this; libpq knows nothing shorter.
                "connect_timeout": 2,
                "application_name": name,
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A unit of work: commits when the block ends well, rolls back when it raises.

        Raises:
            Overloaded: No connection came free in time.
            DatabaseUnavailable: The connection was lost; what the block wrote is not stored.
        """
        try:
            async with self._sessions() as session, session.begin():
                yield session
        except PoolTimeout as error:
            raise Overloaded from error
        except DBAPIError as error:
            if is_unavailable(error):
                raise DatabaseUnavailable from error
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def is_unavailable(error: DBAPIError) -> bool:
    """Whether trying again later may help: the fault lies with the moment, not with the statement."""
    if error.connection_invalidated:
        return True
    cause = error.orig
    if not isinstance(cause, psycopg.OperationalError):
        return False
    # 08 connection, 40 deadlock or serialization, 53 resources, 57 operator; None: libpq could not connect.
    return cause.sqlstate is None or cause.sqlstate[:2] in {"08", "40", "53", "57"}


async def psycopg_connection(session: AsyncSession) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """The psycopg connection under a session, to defer jobs inside its transaction."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(driver).__name__}")
    return driver


async def notify(session: AsyncSession, channel: str) -> None:
    """Wake listeners on a channel when (and only when) the transaction commits."""
    await session.execute(text("select pg_notify(:channel, '')"), {"channel": channel})
