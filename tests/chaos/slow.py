"""Clients that take their time."""

import asyncio
import json
from collections.abc import Sequence

from devtools.load.people import Person, Wording
from tests.journeys.running import Running

SLUG = "refugees-welcome"


class Slow:
    """A client that sends its request in parts."""

    def __init__(self, running: Running) -> None:
        self._port = running.ports["public"]
        self.received = b""

    async def send(self, part: bytes) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self.go_on(part)

    async def go_on(self, part: bytes) -> None:
        self._writer.write(part)
        await self._writer.drain()

    async def read_to_the_end(self, patience: float = 15) -> bytes:
        """What is answered until the server hangs up, with or without manners. Raises TimeoutError."""
        try:
            async with asyncio.timeout(patience):
                while data := await self._reader.read(65536):
                    self.received += data
        except ConnectionError:
            pass
        finally:
            self._writer.close()
        return self.received


def letter_of(person: Person, wordings: Sequence[Wording]) -> tuple[bytes, bytes]:
    """Head and body of a request that signs."""
    body = json.dumps(person.form(wordings)).encode()
    head = (
        f"POST /api/v1/petitions/{SLUG}/signatures HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body
