"""Defer a job in the transaction of the change that needs it."""

from typing import TypeAlias

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from psycopg import AsyncConnection, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import psycopg_connection
from app.core.errors import DatabaseUnavailable

Argument: TypeAlias = str | int | None
"""What a job may be told: ids and numbers, never personal data."""

# Never opened: it only writes jobs, on the connections it is handed.
_writer = App(connector=PsycopgConnector())


async def defer(
    session: AsyncSession,
    task: str,
    *,
    queueing_lock: str | None = None,
    delay_seconds: int = 0,
    **args: Argument,
) -> None:
    """Queue a task by name; it exists when, and only when, the session's transaction commits.

    With a queueing lock, a job that is already waiting under that lock stands for this one too.

    Raises:
        DatabaseUnavailable: The connection was lost; nothing of the transaction is stored.
    """
    # A clash of queueing locks would abort the whole transaction; a savepoint takes the blow. It is set only
    # once the session is asked for its connection inside of it.
    try:
        async with session.begin_nested():
            connection: AsyncConnection[tuple[object, ...]] = await psycopg_connection(session)
            job = _writer.configure_task(
                task,
                allow_unknown=True,
                connection=connection,
                queueing_lock=queueing_lock,
                schedule_in={"seconds": delay_seconds} if delay_seconds else None,
            )
            await job.defer_async(**args)
    except AlreadyEnqueued:
        return
    except ConnectorException as error:
        if isinstance(error.__cause__, OperationalError):
            raise DatabaseUnavailable from error
        raise
