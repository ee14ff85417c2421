"""One HTTP/1.1 connection, lean enough that the client is not what is measured."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools


class Unanswered(Exception):
    """No answer came.

    Attributes:
        sent: Whether the request may have arrived; False where there was not even a connection.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the names of its headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body, read as JSON."""
        return json.loads(self.body)


class _Reader:
    """What httptools calls back."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("ascii").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True


class Connection:
    """Sends one request after the other to one server; connects (again) when it has to.

    Args:
        origin: `http://host:port`.
        patience: Seconds for connecting and the whole answer.
    """

    def __init__(self, origin: str, *, patience: float = 20) -> None:
        parts = urlsplit(origin)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._netloc = parts.netloc
        self._patience = patience
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; the body is a form where it is bytes, else JSON. Raises Unanswered."""
        kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._netloc}"]
        if content:
            lines += [f"content-type: {kind}", f"content-length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        sent = False
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await self._connected()
                sent = True
                writer.write("\r\n".join([*lines, "", ""]).encode() + content)
                await writer.drain()
                answer = await self._read(reader)
        except (OSError, EOFError, TimeoutError, httptools.HttpParserError) as error:
            self.close()
            raise Unanswered(type(error).__name__, sent=sent) from error
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Hang up; the next request connects anew."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # What the server has closed meanwhile is no connection any more.
        if self._stream is not None and self._stream[0].at_eof():
            self.close()
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        return self._stream

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Answer:
        message = _Reader()
        parser = httptools.HttpResponseParser(message)
        while not message.complete:
            data = await reader.read(65536)
            if not data:
                raise EOFError
            parser.feed_data(data)
        return Answer(parser.get_status_code(), message.headers, bytes(message.body))
