"""Find what webhooks did not tell: events that were lost or broke, and donations that hang.

Every step can be repeated and run twice at once, and waits for the next minute when Stripe does not answer.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import AppError
from app.donations.errors import PaymentObjectMissing
from app.donations.gateway import CheckoutStatus, PaymentGateway
from app.donations.idempotency import forget_old_keys
from app.donations.inbox import receive_missing, redrive
from app.donations.models import Donation, StripeCursor
from app.donations.receipts import Receipts
from app.donations.recording import climb
from app.donations.settlement import Settlement

_log = structlog.get_logger(__name__)

UNHANDLED_FOR: Final = timedelta(minutes=1)
PENDING_FOR: Final = timedelta(minutes=2)
"""How long a donation with a page to pay on is left to the webhooks, before Stripe is asked."""
UNATTACHED_FOR: Final = timedelta(minutes=2)
"""How long a donation may be without a page: far longer than a call to Stripe that could bring one."""
_MARGIN: Final = timedelta(minutes=10)
_OVERLAP: Final = timedelta(minutes=5)
_WINDOW: Final = timedelta(hours=1)
_KEPT_BY_STRIPE: Final = timedelta(days=30)
_MOST: Final = 50
_CURSOR: Final = "events"


class Sweeper:
    """Looks after donations once a minute."""

    def __init__(
        self,
        *,
        database: Database,
        gateway: PaymentGateway,
        settlement: Settlement,
        receipts: Receipts,
        pending_for: timedelta = PENDING_FOR,
        unattached_for: timedelta = UNATTACHED_FOR,
        unhandled_for: timedelta = UNHANDLED_FOR,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._settlement = settlement
        self._receipts = receipts
        self._pending_for = pending_for
        self._unattached_for = unattached_for
        self._unhandled_for = unhandled_for

    async def sweep(self, timestamp: int | None = None) -> None:  # noqa: ARG002 - procrastinate tells the minute
        """Run every step, whatever becomes of the others."""
        steps: list[Callable[[], Awaitable[None]]] = [
            self.list_lost_events,
            self.redrive_events,
            self.resolve_unattached,
            self.ask_about_pending,
            self.forget_keys,
        ]
        for step in steps:
            try:
                await step()
            except (AppError, PaymentObjectMissing) as failure:
                code = failure.code if isinstance(failure, AppError) else "object_missing"
                _log.warning("sweep_step_failed", step=step.__name__, code=code)

    async def list_lost_events(self) -> None:
        """Read on in Stripe's own list of events, hour by hour up to now, and keep those that never came.

        The mark moves only over hours that were read to their end, so that nothing is jumped over.
        """
        async with self._database.begin() as session:
            start, now = await _read_cursor(session)
        while start < now:
            stop = min(start + _WINDOW, now)
            # The last span has no end: Stripe's clock may be ahead of ours.
            until = stop if stop < now else None
            notices = [n async for n in self._gateway.list_events(since=start - _OVERLAP, until=until)]
            async with self._database.begin() as session:
                missing = await receive_missing(session, notices)
                await _move_cursor(session, stop)
            if missing:
                _log.warning("events_were_lost", count=missing)
            start = stop

    async def redrive_events(self) -> None:
        """Defer the handling of events again that are still unhandled."""
        async with self._database.begin() as session:
            await redrive(session, waiting=self._unhandled_for)

    async def ask_about_pending(self) -> None:
        """Ask Stripe about donations that have been pending for long, the less often the older they are."""
        quarter = text("(now() - donations.created_at) / 4")
        query = select(Donation.id, Donation.stripe_session_id).where(
            Donation.state == "pending",
            Donation.stripe_session_id.is_not(None),
            Donation.changed_at < func.now() - func.greatest(self._pending_for, quarter),
        )
        async with self._database.begin() as session:
            due = (await session.execute(query.order_by(Donation.changed_at).limit(_MOST))).all()
        for donation_id, session_id in due:
            looked = update(Donation).where(Donation.id == donation_id, Donation.state == "pending")
            # Noted first, so that one which cannot be asked about goes to the back of the queue.
            async with self._database.begin() as session:
                await session.execute(looked.values(changed_at=func.now()))
            await self._settlement.settle_object(str(session_id))

    async def resolve_unattached(self) -> None:
        """End donations whose donor never got a page to pay on, because something broke in between.

        A page that exists all the same is closed first, so that "you have not been charged" stays true.
        """
        query = select(Donation.id, Donation.created_at).where(
            Donation.state.in_(("created", "pending")),
            Donation.stripe_session_id.is_(None),
            Donation.created_at < func.now() - self._unattached_for,
        )
        async with self._database.begin() as session:
            # In no order, for the same reason.
            due = (await session.execute(query.order_by(func.random()).limit(_MOST))).all()
        for donation_id, created_at in due:
            checkout = await self._gateway.search_checkout(
                donation_id, since=created_at - _MARGIN, until=created_at + _MARGIN
            )
            if checkout is not None:
                if checkout.status is CheckoutStatus.OPEN:
                    await self._gateway.expire_checkout(checkout.id)
                await self._settlement.settle_object(checkout.id)
                continue
            async with self._database.begin() as session:
                locked = select(Donation).where(Donation.id == donation_id).with_for_update()
                donation = await session.scalar(locked)
                if donation is not None and donation.stripe_session_id is None:
                    donation.failure_code = "not_started"
                    await climb(session, donation, "failed", self._receipts)

    async def forget_keys(self) -> None:
        """Delete idempotency keys of yesterday."""
        async with self._database.begin() as session:
            await forget_old_keys(session)


async def _read_cursor(session: AsyncSession) -> tuple[datetime, datetime]:
    """From where to read on, and the database's time. At first: from the first donation there is."""
    now = (await session.execute(select(func.now()))).scalar_one().astimezone(UTC)
    mark = await session.scalar(select(StripeCursor.listed_to).where(StripeCursor.name == _CURSOR))
    if mark is None:
        mark = await session.scalar(select(func.min(Donation.created_at)))
    return max(mark or now, now - _KEPT_BY_STRIPE), now


async def _move_cursor(session: AsyncSession, to: datetime) -> None:
    """Move the mark forward; never back, where two sweeps ran at once."""
    statement = insert(StripeCursor).values(name=_CURSOR, listed_to=to)
    forward = func.greatest(StripeCursor.listed_to, statement.excluded.listed_to)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"listed_to": forward})
    )
