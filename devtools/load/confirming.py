"""Reads the mail catcher as the signers' mailboxes, and confirms a share of what arrives."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from devtools.load.connection import Connection
from devtools.load.signing import UNAVAILABLE, Attempt, attempt

CONFIRMED = 200
_TOKEN = re.compile(r"/(?:confirm|my)/([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class Caught:
    """One message as the catcher got it.

    Attributes:
        seen_at: When it was read from the catcher, by `time.monotonic`.
        token: Of the link to confirm or manage a signature; empty in other mails.
    """

    message_id: str
    to: str
    subject: str
    token: str
    asks_to_confirm: bool
    seen_at: float


@dataclass
class Mailboxes:
    """All messages since the catcher's start, read as they come (it keeps no more than some thousands)."""

    origin: str
    caught: list[Caught] = field(default_factory=list)
    _after: int = 0

    async def look(self, connection: Connection) -> Sequence[Caught]:
        """What is new."""
        answer = await connection.request("GET", f"/messages.json?after={self._after}")
        messages = answer.json()
        assert isinstance(messages, list)
        new = [read_message(message) for message in messages]
        if messages:
            self._after = messages[-1]["id"]
        self.caught += new
        return new


def read_message(message: dict[str, str]) -> Caught:
    """A message from `GET /messages.json`."""
    found = _TOKEN.search(message["text"])
    return Caught(
        message_id=message["message_id"],
        to=message["to"],
        subject=message["subject"],
        token=found[1] if found else "",
        asks_to_confirm="/confirm/" in message["text"],
        seen_at=time.monotonic(),
    )


@dataclass
class ConfirmingLoad:
    """Confirms a share of the mails, again and again until each was answered.

    Args:
        origin: Where the public role listens.
        mailboxes: Where the links come from.
        share: Of the links, how many are used.
        whose: Only links that came to addresses of which this is true.
        clients: Confirmations under way at the same time.
    """

    origin: str
    mailboxes: Mailboxes
    seed: str
    share: float = 0.6
    clients: int = 4
    whose: Callable[[str], bool] = lambda _address: True
    attempts: list[Attempt] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        """Read and confirm until `stopping` is set; then finish what is wanted."""
        clients = [asyncio.create_task(self._client()) for _ in range(self.clients)]
        await self._read()
        await self._waiting.join()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _read(self) -> None:
        chance = random.Random(f"{self.seed}:confirming")  # noqa: S311 - nothing secret
        connection = Connection(self.mailboxes.origin)
        while not self.stopping.is_set():
            for mail in await self.mailboxes.look(connection):
                if not mail.asks_to_confirm or not self.whose(mail.to):
                    continue
                if mail.token not in self.wanted and chance.random() < self.share:
                    self.wanted.add(mail.token)
                    self._waiting.put_nowait(mail.token)
            await asyncio.sleep(0.25)
        connection.close()

    async def _client(self) -> None:
        connection = Connection(self.origin)
        try:
            while True:
                token = await self._waiting.get()
                if not await self._confirm(connection, token):
                    self._waiting.put_nowait(token)
                    await asyncio.sleep(0.5)
                self._waiting.task_done()
        finally:
            connection.close()

    async def _confirm(self, connection: Connection, token: str) -> bool:
        """Whether an answer came that trying again would not change."""
        noted, _ = await attempt(connection, 0, "POST", "/api/v1/signatures/confirm", {"token": token})
        self.attempts.append(noted)
        if noted.status == CONFIRMED:
            self.confirmed.add(token)
        return noted.status not in (0, UNAVAILABLE)
