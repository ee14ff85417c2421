"""A real SMTP server that does as it is told, and mails to deliver to it."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import JsonValue
from sqlalchemy import text

from app.core.clock import SystemClock
from app.core.db import Database
from app.crypto.sealing import Opener, Sealer
from app.mail.deliver import Deliverer
from app.mail.queue import Draft, queue
from app.mail.render import VALUES as NEEDED
from app.settings import MailSettings
from tests.factories import World
from tests.ports import free_port

PUBLIC_URL = "https://haven.example"
VALUES: dict[str, JsonValue] = {
    "name": "Зоя Коваль",
    "publisher": "The Example",
    "link": "https://haven.example/confirm/abc",
    "expires_at": "2026-03-09T12:00:00+00:00",
}


class Relay:
    """An SMTP server: keeps what it is given, refuses as ordered. aiosmtpd's names, hence the capitals."""

    def __init__(self) -> None:
        self.port = free_port()
        self.utf8 = True
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.options: list[list[str]] = []
        self.refusals: dict[str, list[str]] = {"MAIL": [], "RCPT": [], "DATA": []}
        self.connections = 0
        self.drop_after: int | None = None
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1", self.port)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _protocol(self) -> SMTP:
        self.connections += 1
        return SMTP(self, enable_SMTPUTF8=self.utf8, hostname="relay")

    def _refusal(self, stage: str) -> str | None:
        return self.refusals[stage].pop(0) if self.refusals[stage] else None

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._refusal("MAIL"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusal := self._refusal("RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if refusal := self._refusal("DATA"):
            return refusal
        if self.before_answer is not None:
            await self.before_answer()
        self.taken.append(
            email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        )
        self.recipients += envelope.rcpt_tos
        self.options.append(list(envelope.mail_options))
        if self.drop_after is not None and len(self.taken) == self.drop_after:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    made = Relay()
    await made.start()
    yield made
    made.stop()


class Post:
    """Queues mails and looks at what became of them."""

    def __init__(self, internal: Database, sealer: Sealer, world: World) -> None:
        self.internal, self.sealer, self.world = internal, sealer, world

    async def queue(
        self,
        *addresses: str,
        values: dict[str, JsonValue] | None = None,
        kind: str = "confirm_signature",
        yields: bool = False,
    ) -> None:
        given = {name: value for name, value in VALUES.items() if name in NEEDED[kind]} | (values or {})
        drafts = [Draft(kind, self.world.campaign_id, to, "uk", given, yields=yields) for to in addresses]
        async with self.internal.begin() as session:
            await queue(session, self.sealer, drafts)

    async def rows(self) -> list[dict[str, object]]:
        async with self.internal.begin() as session:
            rows = await session.execute(
                text(
                    "select state, attempts, last_reply, payload_sealed is null as emptied, "
                    "extract(epoch from next_attempt_at - now())::int as seconds from mails order by id"
                )
            )
            return [dict(row) for row in rows.mappings()]

    async def states(self) -> list[object]:
        return [row["state"] for row in await self.rows()]

    async def make_due(self) -> None:
        async with self.internal.begin() as session:
            await session.execute(text("update mails set next_attempt_at = now() - interval '1 second'"))


@pytest.fixture
def post(internal: Database, sealer: Sealer, world: World) -> Post:
    return Post(internal, sealer, world)


@pytest.fixture
def deliverer_to(internal: Database, opener: Opener) -> Callable[..., Deliverer]:
    def make(relay: Relay, database: Database | None = None, **settings: object) -> Deliverer:
        own = MailSettings(
            smtp_host="127.0.0.1",
            smtp_port=relay.port,
            mail_sender="Пошта <post@haven.example>",
            **settings,  # type: ignore[arg-type]  # the tests name real settings
        )
        return Deliverer(database or internal, opener, own, SystemClock(), PUBLIC_URL)

    return make


@pytest.fixture
def deliverer(relay: Relay, deliverer_to: Callable[..., Deliverer]) -> Deliverer:
    return deliverer_to(relay)
