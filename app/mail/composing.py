"""Turn a mail's payload into the message that goes over the wire."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit

import idna
from pydantic import JsonValue

from app.mail.render import render
from app.mail.values import revive
from app.settings import MailSettings

_ABOUT_SIGNING = frozenset({"confirm_signature", "already_signed", "mailbox_full"})


class _OwnMessageId(MessageIDHeader):
    """An id of our own making: to search it for defects takes longer than all else about a mail."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:  # Any: the library's own
        """Parse, and look for no defects."""
        tree = cls.value_parser(value)
        kwds["parse_tree"], kwds["decoded"] = tree, str(tree)


class _Headers(HeaderRegistry):
    """Makes a class for each kind of header once, where the library makes one for every header."""

    def __init__(self) -> None:
        super().__init__()
        self.map_to_type("message-id", _OwnMessageId)  # type: ignore[arg-type]  # mixins, which typeshed has not
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        """The class of a header of that name."""
        made = self._made.get(name.lower())
        if made is None:
            made = self._made[name.lower()] = super().__getitem__(name)
        return made


_POLICY = default.clone(header_factory=_Headers())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message and who it goes from and to, as SMTP is told."""

    sender: str
    recipient: str
    message: EmailMessage


def compose(
    kind: str,
    message_id: str,
    payload: dict[str, JsonValue],
    *,
    settings: MailSettings,
    public_url: str,
    now: datetime,
) -> Envelope:
    """The message, the same at every try but for its date.

    Raises:
        KeyError, TypeError, ValueError: The payload is not what this kind of mail needs.
    """
    given = payload["values"]
    if not isinstance(given, dict):
        raise TypeError("values")
    values = dict(given)
    unsubscribe = values.pop("unsubscribe_url", None)
    rendered = render(kind, str(payload["locale"]), revive(values))
    name, sender = parseaddr(settings.mail_sender)
    recipient = envelope_address(str(payload["to"]))
    own = settings.mail_subject if kind in _ABOUT_SIGNING else ""
    message = EmailMessage(_POLICY)
    message["From"] = formataddr((name, sender))
    message["To"] = recipient
    message["Subject"] = own or rendered.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id}@{urlsplit(public_url).hostname or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    if isinstance(unsubscribe, str):
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    # Last of all: what begins with Content- would move into the first part.
    message["Content-Language"] = str(payload["locale"])
    return Envelope(envelope_address(sender), recipient, message)


def envelope_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA 2008), which every relay takes.

    Where the local part is beyond ASCII too, the relay must know SMTPUTF8 anyway (RFC 6531), and the address
    stays as it is. Raises ValueError for what is no address.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        raise ValueError("no address")
    if not local.isascii() or domain.isascii():
        return address
    return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
