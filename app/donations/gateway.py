"""What Haven asks of a payment provider: a Protocol, spoken by `stripe_gateway` alone.

Amounts are minor units with an ISO 4217 code in capitals. They are plain here, not `Money`: what a provider
says is a fact to be compared, also where it is in a currency that no appeal is in.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

USED_EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
"""The types of Stripe's events that change something here: what the endpoint should be subscribed to."""


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """All that the provider is told about a donation: our id, the amount, and where the receipt goes."""

    donation_id: UUID
    amount_minor: int
    currency: str
    title: str
    email: str = field(repr=False)
    locale: str
    success_url: str = field(repr=False)
    cancel_url: str = field(repr=False)


class CheckoutStatus(StrEnum):
    """Where the provider's own page stands; Stripe's words."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """The provider's own page for one donation; `url` is there while it is open."""

    id: str
    status: CheckoutStatus
    url: str | None = field(repr=False)
    donation_id: UUID | None
    is_paid: bool


class PaymentStatus(StrEnum):
    """What became of the money, as far as the provider knows now."""

    AWAITED = "awaited"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that was taken."""

    id: str
    amount_minor: int
    currency: str
    created: datetime


class RefundStatus(StrEnum):
    """Whether money went back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back to a donor."""

    id: str
    amount_minor: int
    currency: str
    status: RefundStatus
    created: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """Everything the provider says now about one donation's payment.

    Attributes:
        donation_id: Our id as we gave it; None where the payment is not one of Haven's.
        failure_code: Why the last attempt was declined, in the provider's code.
        charge: The successful one, if there is one.
    """

    donation_id: UUID | None
    status: PaymentStatus
    session_id: str | None = None
    session_status: CheckoutStatus | None = None
    payment_intent_id: str | None = None
    failure_code: str | None = None
    charge: Charge | None = None
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True)
class EventNotice:
    """That something happened to an object; what, is asked anew."""

    id: str
    type: str
    object_id: str
    livemode: bool
    api_version: str
    created: datetime


class PaymentGateway(Protocol):
    """A payment provider.

    Every call raises PaymentUnavailable (the outcome is unknown), PaymentBusy or PaymentRefused (nothing was
    done), and those that name an object raise PaymentObjectMissing.
    """

    async def create_checkout(self, order: CheckoutOrder, *, idempotency_key: str) -> CheckoutSession:
        """A page to pay on; the same key gives the same page. Raises DonationInProgress besides."""
        ...

    async def find_checkout(self, session_id: str) -> CheckoutSession:
        """The page as it stands now."""
        ...

    async def search_checkout(
        self, donation_id: UUID, *, since: datetime, until: datetime
    ) -> CheckoutSession | None:
        """The page that was made for a donation in a span of time, where its id never reached us."""
        ...

    async def expire_checkout(self, session_id: str) -> None:
        """Close the page, so that nobody can pay on it any more; one that is not open stays as it is."""
        ...

    async def find_payment(self, object_id: str) -> Payment:
        """The payment behind a checkout session, payment intent, charge or refund, by that object's id."""
        ...

    def list_events(self, *, since: datetime, until: datetime | None = None) -> AsyncIterator[EventNotice]:
        """The used events of a span of time, newest first, also those that were never delivered."""
        ...

    def verify(self, payload: bytes, signature: str) -> EventNotice:
        """The event that a webhook's body tells of.

        Raises:
            WebhookInvalid: The body is no event.
            WebhookSignatureInvalid: It is not signed with our secret, or not within five minutes of now.
            WebhookLivemode: It is about real money.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
