"""The caught messages: in memory, bounded, in the order they came."""

import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

KEPT = 5000


@dataclass(frozen=True, slots=True)
class Message:
    """One message as one SMTP transaction brought it; the recipients are the envelope's."""

    id: int
    sender: str
    envelope_from: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    message_id: str
    headers: Mapping[str, str]
    received_at: datetime

    def as_json(self) -> dict[str, object]:
        """What `GET /messages.json` shows of it."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": ", ".join(self.recipients),
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "received_at": self.received_at.isoformat().replace("+00:00", "Z"),
            "message_id": self.message_id,
            "envelope_from": self.envelope_from,
            "headers": dict(self.headers),
        }

    def is_for(self, address: str) -> bool:
        """Whether the envelope names that address; capitals do not matter."""
        return address.casefold() in (recipient.casefold() for recipient in self.recipients)


class MessageStore:
    """Keeps the last messages; an id is never given twice in the life of the process."""

    def __init__(self, kept: int = KEPT) -> None:
        self._messages: deque[Message] = deque(maxlen=kept)
        self._ids = itertools.count(1)

    def add(
        self,
        *,
        sender: str,
        envelope_from: str,
        recipients: Sequence[str],
        subject: str,
        text: str,
        html: str,
        message_id: str,
        headers: Mapping[str, str],
    ) -> Message:
        """Keep a message, dropping the oldest when full."""
        message = Message(
            id=next(self._ids),
            sender=sender,
            envelope_from=envelope_from,
            recipients=tuple(recipients),
            subject=subject,
            text=text,
            html=html,
            message_id=message_id,
            headers=headers,
            received_at=datetime.now(UTC),
        )
        self._messages.append(message)
        return message

    def all(self, to: str | None = None, after: int = 0) -> list[Message]:
        """The messages, newest last; only those to an address, or with a higher id, if asked."""
        return [m for m in self._messages if m.id > after and (to is None or m.is_for(to))]

    def get(self, message_id: int) -> Message | None:
        """The message of that id, if it is still kept."""
        return next((m for m in self._messages if m.id == message_id), None)

    def clear(self) -> None:
        """Forget all messages."""
        self._messages.clear()
