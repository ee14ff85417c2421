"""Bring one donation up to what Stripe says, in one transaction: row, book and mail together.

Applying the same facts again changes nothing, and neither does applying older ones: states never go down, and
the book takes each charge, each refund and each refund's failure once.
"""

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import recording as audit
from app.core.money import Money
from app.donations.gateway import Charge, Payment, Refund, RefundStatus
from app.donations.models import Donation
from app.donations.receipts import Receipts
from app.donations.states import UNPAID, advance, charged_state, seen_state
from app.funds import ledger

_log = structlog.get_logger(__name__)

NOT_OURS, UNKNOWN, UNCHANGED = "not_ours", "donation_unknown", "unchanged"


async def record_payment(session: AsyncSession, payment: Payment, receipts: Receipts) -> str:
    """Apply a payment to its donation.

    Returns:
        What it came to: the donation's new state, `unchanged`, `not_ours`, or what is wrong
        (`donation_unknown`, `amount_mismatch`, `second_charge`), which is then in the audit trail too.
    """
    if payment.donation_id is None:
        return NOT_OURS
    donation = await lock_donation(session, payment)
    if donation is None:
        _log.error("donation_unknown", donation_id=str(payment.donation_id))
        return UNKNOWN
    seen = seen_state(payment)
    if payment.charge is not None:
        problem = _problem(donation, payment.charge)
        if problem is not None:
            await _report(session, donation, problem, payment.charge)
            return problem
        await _settle(session, donation, payment.charge, receipts)
        await _refund(session, donation, payment.refunds)
        # By what is booked, not by these facts: they may be older than others that came first.
        seen = charged_state(donation.amount_minor, donation.refunded_minor)
    _note_ids(donation, payment)
    return await climb(session, donation, seen, receipts)


async def lock_donation(session: AsyncSession, payment: Payment) -> Donation | None:
    """The donation's row, locked, so that two workers settle one after the other."""
    query = select(Donation).where(Donation.id == payment.donation_id).with_for_update()
    return await session.scalar(query)


async def climb(session: AsyncSession, donation: Donation, seen: str, receipts: Receipts) -> str:
    """Move a locked donation up to the state that was seen, if that is up; says the new state."""
    before = donation.state
    state = advance(before, seen)
    if state is None:
        return UNCHANGED
    donation.state = state
    donation.changed_at = func.now()
    # In doubt is who never got a page to pay on (something broke), or paid on it and was declined later.
    if state in UNPAID and (before == "created" or state == "failed"):
        await receipts.queue_not_charged(session, donation)
    return state


def _problem(donation: Donation, charge: Charge) -> str | None:
    """What speaks against booking this charge for this donation."""
    if donation.stripe_charge_id not in (None, charge.id):
        return "second_charge"
    if (charge.amount_minor, charge.currency) != (donation.amount_minor, donation.currency):
        return "amount_mismatch"
    return None


async def _report(session: AsyncSession, donation: Donation, problem: str, charge: Charge) -> None:
    """Make visible what a person must look at; once."""
    if donation.failure_code == problem:
        return
    donation.failure_code = problem
    donation.changed_at = func.now()
    details = {
        "charge": charge.id,
        "charged": f"{charge.amount_minor} {charge.currency}",
        "expected": f"{donation.amount_minor} {donation.currency}",
    }
    await audit.record(
        session, "system", f"settlement:donation:{problem}", f"donation:{donation.id}", details
    )
    _log.error(problem, donation_id=str(donation.id), charge_id=charge.id)


async def _settle(session: AsyncSession, donation: Donation, charge: Charge, receipts: Receipts) -> None:
    amount = Money(charge.amount_minor, charge.currency)
    is_new = await ledger.post(
        session,
        appeal_id=donation.appeal_id,
        cause=ledger.Cause("charge", charge.id),
        occurred_at=charge.created,
        lines=ledger.captured(amount),
    )
    if not is_new:
        return
    donation.stripe_charge_id = charge.id
    donation.settled_at = func.now()
    donation.failure_code = None
    await receipts.queue_receipt(session, donation, charged_at=charge.created)


async def _refund(session: AsyncSession, donation: Donation, refunds: tuple[Refund, ...]) -> None:
    """Book what went back, and what came home again because the donor's bank refused it."""
    for refund in sorted(refunds, key=lambda r: r.created):
        amount = Money(refund.amount_minor, refund.currency)
        cause = ledger.Cause("refund", refund.id)
        lines, sign = ledger.refunded(amount), 1
        if refund.status is RefundStatus.PENDING:
            continue
        if refund.status is RefundStatus.FAILED:
            if not await ledger.is_posted(session, cause):
                continue
            cause, lines, sign = ledger.Cause("refund_failed", refund.id), ledger.refund_failed(amount), -1
        is_new = await ledger.post(
            session, appeal_id=donation.appeal_id, cause=cause, occurred_at=refund.created, lines=lines
        )
        if is_new:
            donation.refunded_minor += sign * refund.amount_minor


def _note_ids(donation: Donation, payment: Payment) -> None:
    """Keep Stripe's ids and the last decline, also where our own note of them was lost."""
    donation.stripe_session_id = donation.stripe_session_id or payment.session_id
    donation.stripe_payment_intent_id = donation.stripe_payment_intent_id or payment.payment_intent_id
    if payment.charge is None and donation.stripe_charge_id is None and payment.failure_code is not None:
        donation.failure_code = payment.failure_code
