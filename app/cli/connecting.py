"""One unit of work with the internal login, for commands."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.http.wiring import secret
from app.settings import load

Found = TypeVar("Found")


async def with_session(work: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
    """Do something in one transaction. Raises ConfigurationRefused without the internal login."""
    database = Database(secret(load().database.internal_database_url), pool_size=1, name="haven-command")
    try:
        async with database.begin() as session:
            return await work(session)
    finally:
        await database.close()
