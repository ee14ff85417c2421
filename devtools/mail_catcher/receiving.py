"""The SMTP side: takes messages off the wire and reads them."""

import email.policy
from email import message_from_bytes
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from devtools.mail_catcher.faults import Faults
from devtools.mail_catcher.store import MessageStore

SIZE_LIMIT = 10 * 1024 * 1024
"""Bytes of one message."""


class Receiver:
    """Answers aiosmtpd's events (its names, hence the capitals)."""

    def __init__(self, store: MessageStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or refuse as ordered."""
        refusal = self._faults.answer(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the message."""
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=email.policy.default)
        kept = self._store.add(
            sender=str(message.get("From", "")),
            envelope_from=envelope.mail_from or "",
            recipients=envelope.rcpt_tos,
            subject=str(message.get("Subject", "")),
            text=_part(message, "plain"),
            html=_part(message, "html"),
            message_id=str(message.get("Message-ID", "")).strip(),
            headers={name: str(value) for name, value in message.items()},
        )
        return f"250 Caught as {kept.id}"


def smtp_session(store: MessageStore, faults: Faults) -> SMTP:
    """A protocol for one connection."""
    return SMTP(
        Receiver(store, faults), enable_SMTPUTF8=True, data_size_limit=SIZE_LIMIT, hostname="mail-catcher"
    )


def _part(message: EmailMessage, subtype: str) -> str:
    """The first part of that kind of text; a broken one as far as it can be read."""
    body = message.get_body(preferencelist=(subtype,))
    if body is None:
        return ""
    try:
        text = str(body.get_content())
    except (LookupError, ValueError):
        raw = body.get_payload(decode=True)
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    return text.replace("\r\n", "\n")
