"""Wake up when another process commits something: LISTEN on one connection, with polling as the net below."""

import asyncio
from collections.abc import Sequence

import psycopg
import structlog

from app.core.db import libpq_url

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


class Listener:
    """Sets an event per channel at each notification; reconnects for as long as it runs."""

    def __init__(self, url: str, channels: Sequence[str]) -> None:
        self._url = libpq_url(url)
        self._events = {channel: asyncio.Event() for channel in channels}

    async def run(self) -> None:
        """Listen until cancelled. A lost connection costs at most a poll's wait."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError):
                log.warning("listening:connection:lost")
                await asyncio.sleep(_RETRY_SECONDS)

    async def wait(self, channel: str, at_most: float) -> None:
        """Return at the next notification, or after `at_most` seconds; a past one that nobody took counts."""
        event = self._events[channel]
        try:
            await asyncio.wait_for(event.wait(), at_most)
        except TimeoutError:
            return
        finally:
            event.clear()

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
        async with connection:
            for channel, event in self._events.items():
                await connection.execute(psycopg.sql.SQL("listen {}").format(psycopg.sql.Identifier(channel)))
                event.set()  # something may have come before we listened
            async for notification in connection.notifies():
                self._events[notification.channel].set()
