"""Book a movement of money: balanced lines, once for each cause.

A debit is positive, a credit negative. Money that a donor gives is debited to clearing (it lies with the
provider) and credited to donations; money that goes back is debited to refunds and credited to clearing. The
database itself refuses a posting that does not sum to zero, and any later change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money
from app.funds.models import Entry, LedgerAccount, Posting

AccountKind = Literal["clearing", "donations", "refunds", "fees"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved the money, by the provider's own id: `Cause("charge", "ch_…")`."""

    kind: Literal["charge", "refund", "refund_failed"]
    id: str


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a movement."""

    account: AccountKind
    amount: Money


def captured(amount: Money) -> tuple[Line, Line]:
    """A donor's money arrives."""
    return Line("clearing", amount), Line("donations", -amount)


def refunded(amount: Money) -> tuple[Line, Line]:
    """A donor's money goes back."""
    return Line("refunds", amount), Line("clearing", -amount)


def refund_failed(amount: Money) -> tuple[Line, Line]:
    """Money that was on its way back returns, because the donor's bank did not take it."""
    return Line("clearing", amount), Line("refunds", -amount)


async def post(
    session: AsyncSession, *, appeal_id: int, cause: Cause, occurred_at: datetime, lines: Sequence[Line]
) -> bool:
    """Write a posting with its lines, or nothing when its cause has been booked already.

    Returns:
        Whether it was written now. A transaction that books the same cause at the same time is waited for.

    Raises:
        sqlalchemy.exc.IntegrityError: At the commit, when the lines do not sum to zero by currency.
    """
    statement = (
        insert(Posting)
        .values(cause_kind=cause.kind, cause_id=cause.id, occurred_at=occurred_at)
        .on_conflict_do_nothing(index_elements=["cause_kind", "cause_id"])
        .returning(Posting.id)
    )
    posting_id = await session.scalar(statement)
    if posting_id is None:
        return False
    entries = [
        {
            "posting_id": posting_id,
            "account_id": await _account(session, appeal_id, line.account, line.amount.currency),
            "amount_minor": line.amount.amount_minor,
            "currency": line.amount.currency,
        }
        for line in lines
    ]
    if entries:
        await session.execute(insert(Entry), entries)
    return True


async def is_posted(session: AsyncSession, cause: Cause) -> bool:
    """Whether the cause has been booked."""
    query = select(Posting.id).where(Posting.cause_kind == cause.kind, Posting.cause_id == cause.id)
    return await session.scalar(query) is not None


async def _account(session: AsyncSession, appeal_id: int, kind: AccountKind, currency: str) -> int:
    """The account's id; the account is opened with its first entry."""
    columns = {"appeal_id": appeal_id, "kind": kind, "currency": currency}
    query = select(LedgerAccount.id).filter_by(**columns)
    found = await session.scalar(query)
    if found is None:
        await session.execute(insert(LedgerAccount).values(columns).on_conflict_do_nothing())
        found = await session.scalar(query)
    assert found is not None
    return found
