"""What a donation's state may become: upwards only, so that order and repetition do not matter.

The states stand on a ladder and a donation never goes down it. Whichever way the news of a payment arrive,
the highest rung of them is where it ends (the maximum is associative, commutative and idempotent). Money
outranks every way of not paying: a charge found for a donation that had expired is still a charge.

Refunds share one rung, for a refund can fail and the money come home: there the state follows the book, which
takes each refund and each failure of one once, in whatever order they are heard of.
"""

from app.donations.gateway import CheckoutStatus, Payment, PaymentStatus, RefundStatus

RANKS = {
    "created": 0,
    "pending": 1,
    "failed": 2,
    "canceled": 3,
    "expired": 4,
    "succeeded": 5,
    "partially_refunded": 5,
    "refunded": 5,
    "disputed": 6,
    "dispute_won": 7,
    "dispute_lost": 8,
}
"""Disputes stand above refunds: `refunded_minor` and the ledger keep what was refunded before one."""

OPEN = frozenset({"created", "pending"})
UNPAID = frozenset({"failed", "canceled", "expired"})


def advance(current: str, seen: str) -> str | None:
    """The state to go to, or None to stay. Raises KeyError for an unknown state."""
    return seen if seen != current and RANKS[seen] >= RANKS[current] else None


def is_settled(state: str) -> bool:
    """Whether money was taken, whatever became of it later."""
    return RANKS[state] >= RANKS["succeeded"]


def seen_state(payment: Payment) -> str:
    """The state that the provider's facts amount to.

    A declined card is no failure while the page is open: the donor can try another one.
    """
    if payment.charge is not None:
        back = sum(r.amount_minor for r in payment.refunds if r.status is RefundStatus.SUCCEEDED)
        return charged_state(payment.charge.amount_minor, back)
    if payment.status is PaymentStatus.PROCESSING:
        return "pending"
    if payment.session_status is CheckoutStatus.EXPIRED:
        return "expired"
    if payment.status is PaymentStatus.CANCELED:
        return "canceled"
    if payment.session_status is CheckoutStatus.COMPLETE and payment.failure_code is not None:
        return "failed"
    return "pending"


def charged_state(amount_minor: int, refunded_minor: int) -> str:
    """The state of a donation that was charged, by how much of it has gone back and stayed there."""
    if refunded_minor <= 0:
        return "succeeded"
    return "refunded" if refunded_minor >= amount_minor else "partially_refunded"
