"""The database: naming convention, engine, and the unit of work, the only place that commits."""

import asyncio
import select
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
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


LONGEST_STATEMENT = 10.0
"""Seconds after which whoever waits for a writer's statement is told that nobody knows."""


class Base(DeclarativeBase):
    """Parent of every table."""

    metadata = MetaData(naming_convention=NAMING)


def async_url(url: str) -> str:
    """A `postgresql://` address for SQLAlchemy's asyncio engine on psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same address for psycopg and libpq themselves."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _connect_arguments(prepare: bool, name: str) -> dict[str, Any]:  # psycopg's own
    return {
        "prepare_threshold": 5 if prepare else None,
        # A server that is silent costs its callers no more than this; libpq knows nothing shorter.
        "connect_timeout": 2,
        "application_name": name,
    }


class OwnConnection:
    """One connection beside the pool, for statements that are transactions of their own.

    One round trip by psycopg itself, where a unit of work takes three. Who uses it, uses it alone.

    Args:
        longest: Seconds that a statement may take, with connecting. A server that has stopped is asked to
            cancel after that, which takes 10 seconds more at most, and its connection is closed.
    """

    def __init__(self, url: str, *, prepare: bool, name: str, longest: float = LONGEST_STATEMENT) -> None:
        self._url = libpq_url(url)
        self._arguments = _connect_arguments(prepare, name)
        self._longest = longest
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None
        self._in_turn = asyncio.Lock()

    async def run(
        self, statement: LiteralString, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:  # of whatever types the statement returns
        """Run one statement (parameters as `%(name)b`) and return its rows; it is committed by then.

        Raises:
            DatabaseUnavailable: The server cannot now, and nothing is stored; or the connection was lost or
                the answer did not come in time, perhaps after the commit: then nobody knows.
            DBAPIError: The statement failed, as units of work say it.
        """
        async with self._in_turn:
            try:
                async with asyncio.timeout(self._longest):
                    connection = await self._connected()
                    cursor = await connection.execute(statement, values)
                    return await cursor.fetchall() if cursor.description else ()
            except TimeoutError as error:  # libpq itself waits until TCP gives up
                await self.close()
                raise DatabaseUnavailable from error
            except psycopg.Error as error:
                translated = _translated(error, "statement")
                if isinstance(translated, DatabaseUnavailable):
                    await self.close()
                raise translated from error
            except BaseException:  # given up: nobody knows what the server is doing with it
                await self.close()
                raise

    async def close(self) -> None:
        """Close the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connected(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        if self._connection is not None and not is_alive(self._connection):
            await self.close()
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, **self._arguments
            )
        return self._connection


class Database:
    """One login's bounded pool of connections.

    Args:
        url: `postgresql://login:password@host:port/name`.
        pool_size: The most connections held; a caller waits 5 seconds for one, then gets `Overloaded`.
        prepare: Off behind a transaction-pooling PgBouncer, which has no prepared statements.
    """

    def __init__(self, url: str, *, pool_size: int = 10, prepare: bool = True, name: str = "haven") -> None:
        self._own = partial(OwnConnection, url, prepare=prepare, name=name)
        self._own_connections: list[OwnConnection] = []
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,  # statements that fail are logged; what they carried is not
            connect_args=_connect_arguments(prepare, name),
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

    def own_connection(self) -> OwnConnection:
        """A connection beside the pool, for one writer: opened at its first use, closed with the pool."""
        self._own_connections.append(self._own())
        return self._own_connections[-1]

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._own_connections:
            await connection.close()
        await self.engine.dispose()


def _refuse_dead(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection whose server has hung up: it then has something to read, its end.

    That is all that a statement of its own (`pool_pre_ping`) would find out, without a round trip each time.
    """
    driver = getattr(connection, "driver_connection", connection)
    if isinstance(driver, psycopg.AsyncConnection) and not is_alive(driver):
        raise DisconnectionError


def is_alive(connection: psycopg.AsyncConnection[Any]) -> bool:  # whatever its rows are
    """Whether an idle connection can be used: nobody has ended it, as far as this end knows."""
    if connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    watching = select.poll()
    watching.register(connection.fileno(), select.POLLIN)
    return not watching.poll(0)


def is_unavailable(error: DBAPIError) -> bool:
    """Whether trying again later may help: the fault lies with the moment, not with the statement."""
    if error.connection_invalidated:
        return True
    return is_momentary(error.orig)


def is_momentary(cause: BaseException | None) -> bool:
    """The same for an error of psycopg's own."""
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


async def run_binary(
    session: AsyncSession, statement: LiteralString, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:  # of the columns' own types
    """Run a statement in the session's transaction with parameters (`%(name)b`) and rows in binary form.

    For long arrays and sealed bytes: as text they are escaped and read letter by letter.

    Raises:
        DatabaseUnavailable: The connection was lost.
        DBAPIError: As other statements raise it.
    """
    connection = await psycopg_connection(session)
    try:
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        raise _translated(error, "statement") from error


def _translated(error: psycopg.Error, what: str) -> Exception:
    """As units of work raise it: without parameters, and ours where trying again may help."""
    if is_momentary(error) or isinstance(error, psycopg.InterfaceError):
        return DatabaseUnavailable()
    return DBAPIError.instance(what, None, error, psycopg.Error, hide_parameters=True)


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
    except psycopg.Error as error:
        raise _translated(error, f"copy {table}") from error


async def notify(session: AsyncSession, channel: str) -> None:
    """Wake listeners on a channel when (and only when) the transaction commits."""
    await session.execute(text("select pg_notify(:channel, '')"), {"channel": channel})
