"""Stripe's objects, as plain data, in our words. No network, no SDK: only shapes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.donations.errors import WebhookInvalid
from app.donations.gateway import (
    Charge,
    CheckoutSession,
    CheckoutStatus,
    EventNotice,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)

# Any: Stripe's JSON, of as many shapes as its OpenAPI description says; read here and nowhere else.
Data: TypeAlias = Mapping[str, Any]

_PAYMENT = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "processing": PaymentStatus.PROCESSING,
    "canceled": PaymentStatus.CANCELED,
}
_REFUND = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def read_checkout(session: Data) -> CheckoutSession:
    """A Checkout Session."""
    return CheckoutSession(
        id=session["id"],
        status=CheckoutStatus(session["status"]),
        url=session.get("url"),
        donation_id=_our_id(session.get("client_reference_id")),
        is_paid=session["payment_status"] == "paid",
    )


def read_payment(session: Data | None, intent: Data | None, refunds: list[Data]) -> Payment:
    """A payment: its session, its intent with the latest charge expanded, and its refunds."""
    charge = read_charge(intent.get("latest_charge")) if intent else None
    return Payment(
        donation_id=_donation_id(session, intent),
        status=_PAYMENT.get(intent["status"], PaymentStatus.AWAITED) if intent else PaymentStatus.AWAITED,
        session_id=session["id"] if session else None,
        session_status=CheckoutStatus(session["status"]) if session else None,
        payment_intent_id=intent["id"] if intent else None,
        failure_code=_failure_code(intent),
        charge=charge,
        refunds=tuple(read_refund(refund) for refund in refunds),
    )


def read_charge(charge: Data | str | None) -> Charge | None:
    """A charge that took money, or None for one that did not (or was not expanded)."""
    if charge is None or isinstance(charge, str) or not (charge["paid"] and charge["captured"]):
        return None
    return Charge(
        id=charge["id"],
        amount_minor=charge["amount_captured"],
        currency=charge["currency"].upper(),
        created=moment(charge["created"]),
    )


def read_refund(refund: Data) -> Refund:
    """A refund."""
    return Refund(
        id=refund["id"],
        amount_minor=refund["amount"],
        currency=refund["currency"].upper(),
        status=_REFUND.get(refund.get("status") or "", RefundStatus.PENDING),
        created=moment(refund["created"]),
    )


def read_notice(event: object) -> EventNotice:
    """What an event is about. Raises WebhookInvalid for what is no event."""
    try:
        assert isinstance(event, dict)
        subject, livemode, created = event["data"]["object"], event["livemode"], event["created"]
        words = (event["id"], event["type"], subject["id"], event["api_version"] or "")
        if event["object"] != "event" or type(livemode) is not bool or type(created) is not int:
            raise WebhookInvalid
        if not all(isinstance(word, str) and len(word) <= _LONGEST and word.isprintable() for word in words):
            raise WebhookInvalid
        return EventNotice(words[0], words[1], words[2], livemode, words[3], moment(created))
    except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
        raise WebhookInvalid from None


_LONGEST = 255


def moment(seconds: int) -> datetime:
    """Stripe's seconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


def _donation_id(session: Data | None, intent: Data | None) -> UUID | None:
    if session is not None and session.get("client_reference_id"):
        return _our_id(session["client_reference_id"])
    return _our_id((intent.get("metadata") or {}).get("donation_id")) if intent else None


def _our_id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _failure_code(intent: Data | None) -> str | None:
    error = (intent or {}).get("last_payment_error")
    return (error.get("decline_code") or error.get("code") or "declined") if error else None
