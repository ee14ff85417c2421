"""Queue mail in the transaction that causes it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import copy_rows, notify
from app.core.ids import new_id
from app.crypto.sealing import Sealer, Seals

CHANNEL = "haven_mail"
URGENT = frozenset({"confirm_signature", "donation_receipt", "donation_failed"})
"""Kinds that somebody waits for; all others wait while the system is under pressure, and are sent later."""
_COLUMNS = {
    "kind": "text",
    "campaign_id": "int4",
    "subject_id": "uuid",
    "message_id": "text",
    "payload_sealed": "bytea",
    "yields": "bool",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: the kind names its template. A repr shows neither address nor values.

    Attributes:
        yields: All other mail that is due goes first.
    """

    kind: str
    campaign_id: int
    to: str = field(repr=False)
    locale: str
    values: Mapping[str, JsonValue] = field(repr=False)
    subject_id: UUID | None = None
    yields: bool = False


async def queue(session: AsyncSession, sealer: Sealer, drafts: Sequence[Draft]) -> None:
    """Write a row for each draft; they are delivered once the session's transaction has committed."""
    if not drafts:
        return
    # In a thread: sealing hundreds takes longer than others on this loop should wait.
    rows = await asyncio.to_thread(_rows, drafts, sealer)
    await copy_rows(session, "mails", _COLUMNS, rows)
    await notify(session, CHANNEL)


def _rows(drafts: Sequence[Draft], sealer: Sealer) -> list[tuple[object, ...]]:
    series = sealer.series()
    return [_row(draft, series) for draft in drafts]


def _row(draft: Draft, sealer: Seals) -> tuple[object, ...]:
    binding = new_id()
    payload: dict[str, JsonValue] = {"to": draft.to, "locale": draft.locale, "values": dict(draft.values)}
    sealed = sealer.seal(payload, binding)
    return draft.kind, draft.campaign_id, draft.subject_id, str(binding), sealed, draft.yields
