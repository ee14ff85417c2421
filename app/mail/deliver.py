"""Deliver queued mail over SMTP: claimed in batches under a lease, recorded one by one.

Each delivery is recorded in its own transaction at once, so that a crash repeats one message at most. What
was claimed and not sent becomes due again when the lease ends, or at once where the worker ends by itself.
Leases use the database's clock.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from urllib.parse import urlsplit
from uuid import UUID

import aiosmtplib
import structlog
from pydantic import JsonValue
from sqlalchemy import text

from app.core.clock import Clock
from app.core.db import Database
from app.crypto.errors import CannotOpen
from app.crypto.sealing import Opener
from app.mail.render import render
from app.mail.values import revive
from app.settings import MailSettings

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=30)
_ABOUT_SIGNING = frozenset({"confirm_signature", "already_signed"})
MOST_ATTEMPTS = 12
"""With waits that double from 15 seconds to 4 hours, about a day of trying."""

_CLAIM = text("""
    update mails m set state = 'sending', attempts = m.attempts + 1, next_attempt_at = now() + :lease
      from (select id from mails where state in ('queued', 'sending') and next_attempt_at <= now()
             order by next_attempt_at, id limit :most for update skip locked) due
     where m.id = due.id
    returning m.id, m.kind, m.message_id, m.payload_sealed, m.attempts
""")
_RENEW = text("""
    update mails set next_attempt_at = now() + :lease
     where id = :id and state = 'sending' and attempts = :attempts
""")
_END = text("""
    update mails set state = :state, payload_sealed = null, last_reply = :reply, ended_at = now()
     where id = :id and state = 'sending' and attempts = :attempts
""")
_LATER = text("""
    update mails set state = 'queued', last_reply = :reply, next_attempt_at = now() + :wait
     where id = :id and state = 'sending' and attempts = :attempts
""")
_HAND_BACK = text("""
    update mails m set state = 'queued', attempts = m.attempts - 1, next_attempt_at = now()
      from unnest(cast(:ids as bigint[]), cast(:attempts as int[])) x (id, attempts)
     where m.id = x.id and m.state = 'sending' and m.attempts = x.attempts
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this worker may send until its lease ends."""

    id: int
    kind: str
    message_id: str
    payload_sealed: bytes
    attempts: int


class Deliverer:
    """Drains due mail. One connection to the relay serves a whole batch."""

    def __init__(
        self, database: Database, opener: Opener, settings: MailSettings, clock: Clock, public_url: str
    ) -> None:
        self._database = database
        self._opener = opener
        self._settings = settings
        self._clock = clock
        self._host = urlsplit(public_url).hostname or "localhost"

    async def run(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Send one batch; returns how many mails it took (0: nothing is due).

        Args:
            stopping: Asked before each mail; once it says so, the rest is handed back.
        """
        claimed = await self._claim()
        if not claimed:
            return 0
        try:
            relay = await self._connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            log.warning("mail:relay:unreachable", error=type(error).__name__, mails=len(claimed))
            for mail in claimed:
                await self._later(mail, "relay unreachable")
            return 0
        try:
            for position, mail in enumerate(claimed):
                if stopping():
                    await self._hand_back(claimed[position:])
                    break
                await self._send(relay, mail)
        finally:
            relay.close()
        return len(claimed)

    async def _claim(self) -> list[Claimed]:
        async with self._database.begin() as session:
            rows = await session.execute(_CLAIM, {"lease": LEASE, "most": self._settings.mail_batch})
            return [Claimed(*row) for row in rows]

    async def _connect(self) -> aiosmtplib.SMTP:
        password = self._settings.smtp_password
        relay = aiosmtplib.SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            username=self._settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=self._settings.smtp_tls == "tls",
            start_tls=self._settings.smtp_tls == "starttls",
            timeout=20,
        )
        await relay.connect()
        return relay

    async def _send(self, relay: aiosmtplib.SMTP, mail: Claimed) -> None:
        try:
            payload = self._opener.open(mail.payload_sealed, UUID(mail.message_id))
            message = self._message(mail, payload)
        except (CannotOpen, KeyError, ValueError) as error:
            log.exception("mail:message:broken", mail=mail.id)
            await self._end(mail, "failed", type(error).__name__)
            return
        if not await self._renew(mail):
            return  # the lease has run out, and somebody else has it now
        try:
            if not relay.is_connected:
                await relay.connect()
            await relay.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            await self._refused(mail, refused.code)
        except aiosmtplib.SMTPResponseException as error:
            await self._refused(mail, error.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            await self._later(mail, type(error).__name__)
        else:
            await asyncio.shield(self._end(mail, "sent", "250"))

    def _message(self, mail: Claimed, payload: dict[str, JsonValue]) -> EmailMessage:
        values = payload["values"]
        if not isinstance(values, dict):
            raise TypeError("values")
        rendered = render(mail.kind, str(payload["locale"]), revive(values))
        message = EmailMessage()
        name, address = parseaddr(self._settings.mail_sender)
        message["From"] = formataddr((name, address))
        message["To"] = str(payload["to"])
        own = self._settings.mail_subject if mail.kind in _ABOUT_SIGNING else ""
        message["Subject"] = own or rendered.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{mail.message_id}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = str(payload["locale"])
        if isinstance(unsubscribe := values.get("unsubscribe_url"), str):
            message["List-Unsubscribe"] = f"<{unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        return message

    async def _refused(self, mail: Claimed, code: int) -> None:
        """4xx: the relay asks for another try. 5xx: it never will take it."""
        if code // 100 == 4:  # noqa: PLR2004 - RFC 5321 §4.2.1: transient negative completion
            await self._later(mail, str(code))
        else:
            await self._end(mail, "bounced", str(code))

    async def _renew(self, mail: Claimed) -> bool:
        async with self._database.begin() as session:
            values = {"id": mail.id, "attempts": mail.attempts, "lease": LEASE}
            found = await session.execute(_RENEW, values)
            return bool(getattr(found, "rowcount", 0))

    async def _end(self, mail: Claimed, state: str, reply: str) -> None:
        async with self._database.begin() as session:
            values = {"id": mail.id, "attempts": mail.attempts, "state": state, "reply": reply}
            await session.execute(_END, values)

    async def _hand_back(self, mails: Sequence[Claimed]) -> None:
        """Let others send at once what this worker has claimed and will not send."""
        values = {"ids": [mail.id for mail in mails], "attempts": [mail.attempts for mail in mails]}
        async with self._database.begin() as session:
            await session.execute(_HAND_BACK, values)

    async def _later(self, mail: Claimed, reply: str) -> None:
        if mail.attempts >= MOST_ATTEMPTS:
            await self._end(mail, "failed", reply)
            return
        wait = timedelta(seconds=min(15 * 2 ** (mail.attempts - 1), 4 * 3600))
        async with self._database.begin() as session:
            values = {"id": mail.id, "attempts": mail.attempts, "reply": reply, "wait": wait}
            await session.execute(_LATER, values)
