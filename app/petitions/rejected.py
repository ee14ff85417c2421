"""Letters that broke their resolution: kept sealed, looked at, and put back once the cause is mended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import notify
from app.petitions.letterbox import CHANNEL
from app.petitions.models import RejectedLetter

_PUT_BACK = text("""
    with moved as (
      delete from intake_rejected where id in (select id from intake_rejected order by id limit :most)
      returning id, petition_id, kind, sealed, received_at)
    insert into intake (id, petition_id, kind, sealed, received_at)
    select id, petition_id, kind, sealed, received_at from moved
""")


@dataclass(frozen=True, slots=True)
class Rejected:
    """One letter kept apart; what it says stays sealed."""

    id: UUID
    petition_id: int
    received_at: datetime
    error: str


async def list_rejected(session: AsyncSession, most: int = 100) -> list[Rejected]:
    """The letters kept apart, oldest first."""
    query = select(RejectedLetter).order_by(RejectedLetter.id).limit(most)
    return [Rejected(r.id, r.petition_id, r.received_at, r.error) for r in await session.scalars(query)]


async def put_back(session: AsyncSession, most: int = 1_000) -> int:
    """Put letters back into the letterbox, as old as they are; returns how many."""
    options = {"preserve_rowcount": True}
    moved = await session.execute(_PUT_BACK, {"most": most}, execution_options=options)
    await notify(session, CHANNEL)
    return int(getattr(moved, "rowcount", 0))
