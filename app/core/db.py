"""The database: naming convention, engine, and the unit of work, the only place that commits."""

import asyncio
import select
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import MetaData, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
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
        self._url = libpq_url(url)
        self._options: dict[str, str | int | None] = {
            "prepare_threshold": 5 if prepare else None,
            # A server that is silent costs its callers no more than this; libpq knows nothing shorter.
            "connect_timeout": 2,
            "application_name": name,
        }
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,  # statements that fail are logged; what they carried is not
            connect_args=self._options,
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_dead)
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

    def line(self) -> "Line":
        """A connection beside the pool, for one writer."""
        return Line(self._url, self._options)

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


class Line:
    """A connection that one writer keeps, for statements that are transactions by themselves.

    Each takes one round trip and a seventh of a session's work, and what it locks is free again before we
    hear of it. A connection that was lost is replaced at the next statement.
    """

    def __init__(self, url: str, options: Mapping[str, str | int | None]) -> None:
        self._url = url
        self._options = options
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._mine = asyncio.Lock()

    async def run(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement, committed by the time it answers; callers take turns.

        Raises:
            DatabaseUnavailable: The connection was lost: what the statement did may be stored or not.
            psycopg.Error: The statement is at fault; nothing is stored.
        """
        async with self._mine:
            try:
                connection = await self._connected()
                return await (await connection.execute(statement, values)).fetchall()
            except psycopg.OperationalError as error:
                if _is_of_the_moment(error):
                    raise DatabaseUnavailable from error
                raise

    async def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        known = self._connection
        if known is not None and _is_usable(known):
            return known
        await self.close()
        self._connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            **self._options,  # type: ignore[arg-type]  # libpq's own, of two types
        )
        return self._connection


def _refuse_dead(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection whose server has hung up: it then has something to read, its end.

    That is all that a statement of its own (`pool_pre_ping`) would find out, without a round trip each time.
    """
    driver = getattr(connection, "driver_connection", connection)
    if not isinstance(driver, psycopg.AsyncConnection):
        return
    if not _is_usable(driver):
        raise DisconnectionError


def _is_usable(driver: psycopg.AsyncConnection[Any]) -> bool:
    if driver.closed or driver.pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    watching = select.poll()
    watching.register(driver.fileno(), select.POLLIN)
    return not watching.poll(0)


def is_unavailable(error: DBAPIError) -> bool:
    """Whether trying again later may help: the fault lies with the moment, not with the statement."""
    if error.connection_invalidated:
        return True
    return isinstance(error.orig, psycopg.OperationalError) and _is_of_the_moment(error.orig)


def _is_of_the_moment(cause: psycopg.OperationalError) -> bool:
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


async def copy_rows(
    session: AsyncSession, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> None:
    """Insert rows by COPY, in the session's transaction: a fraction of what INSERT takes for many rows.

    `columns` gives each column's name and PostgreSQL type, in the order of the rows' values.
    """
    connection = await psycopg_connection(session)
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        async with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                await copy.write_row(row)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable from error
    except psycopg.Error as error:  # the same errors as other statements raise
        raise DBAPIError.instance(
            f"copy {table}", None, error, psycopg.Error, hide_parameters=True
        ) from error


async def notify(session: AsyncSession, channel: str) -> None:
    """Wake listeners on a channel when (and only when) the transaction commits."""
    await session.execute(text("select pg_notify(:channel, '')"), {"channel": channel})
