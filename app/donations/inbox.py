"""The inbox of Stripe's events: each once, by its id, and never its body, which holds names and addresses."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from app.donations.gateway import USED_EVENTS, EventNotice
from app.donations.models import StripeEvent
from app.jobs.deferring import defer

HANDLE = "donations:handle_event"
"""The job that handles one event."""


async def receive(session: AsyncSession, notice: EventNotice) -> bool:
    """Keep an event and defer its handling, in one transaction.

    An event of a type that nothing here depends on is not kept: it would only wait to be ignored.

    Returns:
        Whether it was new and is used.
    """
    if notice.type not in USED_EVENTS:
        return False
    # Neither a conflict target nor RETURNING: the public role may insert events and never read them.
    statement = (
        insert(StripeEvent)
        .inline()
        .values(
            id=notice.id,
            type=notice.type,
            object_id=notice.object_id,
            livemode=notice.livemode,
            api_version=notice.api_version,
            created=notice.created,
        )
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        return False
    await defer(session, HANDLE, event_id=notice.id)
    return True


async def receive_missing(session: AsyncSession, notices: Sequence[EventNotice]) -> int:
    """Keep those of Stripe's own list that never came; for the worker, which may read. Returns how many."""
    known = set(
        await session.scalars(select(StripeEvent.id).where(StripeEvent.id.in_([n.id for n in notices])))
    )
    missing = [notice for notice in notices if notice.id not in known]
    return sum([await receive(session, notice) for notice in missing])


async def redrive(session: AsyncSession, *, waiting: timedelta, most: int = 100) -> list[str]:
    """Defer the handling of events that have waited too long, and give their ids."""
    query = (
        select(StripeEvent.id)
        .where(StripeEvent.handled_at.is_(None), StripeEvent.received_at < func.now() - waiting)
        # In no order, so that events which cannot be handled never keep others from their turn.
        .order_by(func.random())
        .limit(most)
    )
    ids = list(await session.scalars(query))
    for event_id in ids:
        await defer(session, HANDLE, queueing_lock=f"{HANDLE}:{event_id}", event_id=event_id)
    return ids
