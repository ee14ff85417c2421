"""Deliver queued mail over SMTP: claimed in batches under a lease, recorded one by one.

Each delivery is recorded in its own transaction at once, so that a crash repeats one message at most. What
was claimed and not sent becomes due again when the lease ends, or at once where the worker ends by itself.
Leases use the database's clock.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import aiosmtplib
import structlog
from sqlalchemy import text

from app.core.clock import Clock
from app.core.db import Database
from app.crypto.sealing import Opener
from app.mail.composing import Envelope, compose
from app.mail.queue import URGENT
from app.settings import MailSettings

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=30)
_SENDING_SECONDS = 20
"""Well within the lease: nobody else may start on a mail whose sending is still under way."""
_SPARE_SECONDS = 4
YIELDING_SECONDS = 0.02
"""After each mail that yields: fifty a second leave time to whoever signs meanwhile."""
MOST_ATTEMPTS = 16
"""With waits that double from 15 seconds to 4 hours, about a day of trying."""

# What yields is looked at only where the others do not fill the batch.
_CLAIM = text("""
    with first as (
      select id from mails where state in ('queued', 'sending') and not yields and next_attempt_at <= now()
         and (kind = any (cast(:urgent as text[])) or not cast(:urgent_alone as boolean))
       order by next_attempt_at, id limit :most for update skip locked),
    rest as (
      select id from mails where state in ('queued', 'sending') and yields and next_attempt_at <= now()
         and (kind = any (cast(:urgent as text[])) or not cast(:urgent_alone as boolean))
       order by next_attempt_at, id limit (select :most - count(*) from first) for update skip locked)
    update mails m set state = 'sending', attempts = m.attempts + 1, next_attempt_at = now() + :lease
      from (select id from first union all select id from rest) due
     where m.id = due.id
    returning m.id, m.kind, m.message_id, m.payload_sealed, m.attempts, m.yields
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
    yields: bool
    claimed_at: float
    """On this process's monotonic clock, read before the claim: the lease ends no sooner than it says."""

    @property
    def needs_renewal(self) -> bool:
        """Whether the lease might end before a sending that begins now does."""
        return time.monotonic() - self.claimed_at > LEASE.total_seconds() - _SENDING_SECONDS - _SPARE_SECONDS


class Deliverer:
    """Drains due mail. One connection to the relay serves a whole batch."""

    def __init__(
        self, database: Database, opener: Opener, settings: MailSettings, clock: Clock, public_url: str
    ) -> None:
        self._database = database
        self._opener = opener
        self._settings = settings
        self._clock = clock
        self._public_url = public_url

    async def run(
        self,
        stopping: Callable[[], bool] = lambda: False,
        pause: Callable[[], float] = lambda: 0.0,
        *,
        urgent_alone: bool = False,
    ) -> int:
        """Send one batch; returns how many mails it took (0: nothing is due).

        Args:
            stopping: Asked before each mail; once it says so, the rest is handed back.
            pause: Asked after each mail how many seconds to leave to others.
            urgent_alone: Leave out what can wait; it stays due, and is sent by a later run.
        """
        claimed = await self._claim(urgent_alone=urgent_alone)
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
                if seconds := max(pause(), YIELDING_SECONDS if mail.yields else 0.0):
                    await asyncio.sleep(seconds)
        finally:
            relay.close()
        return len(claimed)

    async def _claim(self, *, urgent_alone: bool = False) -> list[Claimed]:
        claimed_at = time.monotonic()
        async with self._database.begin() as session:
            wanted = {"urgent": sorted(URGENT), "urgent_alone": urgent_alone}
            values = {"lease": LEASE, "most": self._settings.mail_batch, **wanted}
            rows = await session.execute(_CLAIM, values)
            return [Claimed(**row, claimed_at=claimed_at) for row in rows.mappings()]

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
            envelope = self._envelope(mail)
        except Exception as error:
            # Whatever is wrong with one mail, the others of the batch are not to blame.
            log.exception("mail:message:broken", mail=mail.id)
            await self._end(mail, "failed", type(error).__name__)
            return
        if mail.needs_renewal and not await self._renew(mail):
            return  # the lease has run out, and somebody else has it now
        try:
            async with asyncio.timeout(_SENDING_SECONDS):
                if not relay.is_connected:
                    await relay.connect()
                await relay.send_message(
                    envelope.message, sender=envelope.sender, recipients=[envelope.recipient]
                )
        except aiosmtplib.SMTPNotSupported:  # raised for SMTPUTF8 alone
            await self._end(mail, "bounced", "SMTPUTF8 needed")
        except ValueError as error:  # an address that no SMTP command can hold
            await self._end(mail, "failed", type(error).__name__)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            await self._refused(mail, refused.code)
        except aiosmtplib.SMTPDataError as error:
            await self._refused(mail, error.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Also a relay that refuses us (login, sender, greeting): that is ours to mend, and no bounce.
            relay.close()
            log.warning("mail:relay:refused", error=type(error).__name__, mail=mail.id)
            await self._later(mail, type(error).__name__)
        else:
            await asyncio.shield(self._end(mail, "sent", "250"))

    def _envelope(self, mail: Claimed) -> Envelope:
        payload = self._opener.open(mail.payload_sealed, UUID(mail.message_id))
        return compose(
            mail.kind,
            mail.message_id,
            payload,
            settings=self._settings,
            public_url=self._public_url,
            now=self._clock.now(),
        )

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
