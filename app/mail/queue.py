"""Queue mail in the transaction that causes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import notify
from app.core.ids import new_id
from app.crypto.sealing import Sealer
from app.mail.models import Mail

CHANNEL = "haven_mail"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: the kind names its template. A repr shows neither address nor values."""

    kind: str
    campaign_id: int
    to: str = field(repr=False)
    locale: str
    values: Mapping[str, JsonValue] = field(repr=False)
    subject_id: UUID | None = None


async def queue(session: AsyncSession, sealer: Sealer, drafts: Sequence[Draft]) -> None:
    """Write a row for each draft; they are delivered once the session's transaction has committed."""
    if not drafts:
        return
    rows = []
    for draft in drafts:
        binding = new_id()
        payload: dict[str, JsonValue] = {"to": draft.to, "locale": draft.locale, "values": dict(draft.values)}
        rows.append(
            {
                "kind": draft.kind,
                "campaign_id": draft.campaign_id,
                "subject_id": draft.subject_id,
                "message_id": str(binding),
                "payload_sealed": sealer.seal(payload, binding),
            }
        )
    await session.execute(insert(Mail).inline(), rows)
    await notify(session, CHANNEL)
