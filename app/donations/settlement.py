"""Handle Stripe's events: ask anew, then record; the event only says where to look."""

import structlog
from sqlalchemy import func, select, update

from app.core.db import Database
from app.donations.errors import PaymentObjectMissing
from app.donations.gateway import PaymentGateway
from app.donations.models import StripeEvent
from app.donations.receipts import Receipts
from app.donations.recording import record_payment

_log = structlog.get_logger(__name__)


class Settlement:
    """Settles donations from Stripe's facts; any number may run at once."""

    def __init__(self, *, database: Database, gateway: PaymentGateway, receipts: Receipts) -> None:
        self._database = database
        self._gateway = gateway
        self._receipts = receipts

    async def handle_event(self, event_id: str) -> None:
        """Handle one event of the inbox; one that was handled stays as it is.

        Raises:
            PaymentUnavailable, PaymentBusy, PaymentRefused: Stripe could not be asked; the event stays
                unhandled, and both the job's retries and the sweeper come back to it.
        """
        query = select(StripeEvent).where(StripeEvent.id == event_id)
        async with self._database.begin() as session:
            event = await session.scalar(query)
        if event is None or event.handled_at is not None:
            return
        outcome = await self.settle_object(event.object_id, event_id=event_id)
        _log.info("event_handled", event_id=event_id, type=event.type, outcome=outcome)

    async def settle_object(self, object_id: str, *, event_id: str | None = None) -> str:
        """Ask Stripe about the payment behind one of its objects and record the answer.

        Returns:
            As `record_payment`, or `object_missing` where Stripe does not know the object.
        """
        try:
            payment = await self._gateway.find_payment(object_id)
        except PaymentObjectMissing:
            payment = None
        async with self._database.begin() as session:
            outcome = "object_missing"
            if payment is not None:
                outcome = await record_payment(session, payment, self._receipts)
            if event_id is not None:
                handled = update(StripeEvent).where(
                    StripeEvent.id == event_id, StripeEvent.handled_at.is_(None)
                )
                await session.execute(handled.values(handled_at=func.now(), outcome=outcome))
        return outcome
