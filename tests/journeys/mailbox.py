"""The mail catcher, as the people in the journeys see their mailboxes."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.journeys.waiting import until

_LINK = re.compile(r"http://127\.0\.0\.1:\d+/(?:confirm|my|donations)/[\w=-]+")


@dataclass(frozen=True)
class Mail:
    """One message."""

    id: int
    sender: str
    to: str
    subject: str
    text: str
    html: str
    received_at: datetime
    headers: dict[str, str]

    @property
    def link(self) -> str:
        """The one link that leads back to Haven."""
        found = set(_LINK.findall(self.text))
        assert len(found) == 1, self.text
        return str(found.pop())

    @property
    def token(self) -> str:
        return self.link.rpartition("/")[2]


class Mailbox:
    """Everybody's."""

    def __init__(self, catcher: httpx.AsyncClient) -> None:
        self._catcher = catcher

    async def all(self, address: str) -> list[Mail]:
        """What came to an address, the newest last."""
        answer = await self._catcher.get("/messages.json", params={"to": address})
        return [_mail(message) for message in answer.raise_for_status().json()]

    async def everybodys(self) -> list[Mail]:
        """All that came, the newest last."""
        return [_mail(message) for message in (await self._catcher.get("/messages.json")).json()]

    async def newest(self, address: str, count: int = 1, seconds: float = 15) -> Mail:
        """The newest, as soon as there are so many."""
        return (await until(lambda: self.all(address), lambda mails: len(mails) >= count, seconds))[-1]

    async def refuse(self, address: str, code: int, times: int = 1) -> None:
        """Answer this address with an SMTP code."""
        order = {"address": address, "code": code, "times": times}
        (await self._catcher.post("/faults", json=order)).raise_for_status()


def _mail(message: dict[str, Any]) -> Mail:  # JSON
    return Mail(
        id=message["id"],
        sender=message["from"],
        to=message["to"],
        subject=message["subject"],
        text=message["text"],
        html=message["html"],
        received_at=datetime.fromisoformat(message["received_at"]),
        headers=message["headers"],
    )
