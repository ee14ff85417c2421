"""What a donor who comes back is shown: the truth, by the token of the link."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Wording
from app.core.errors import AppError
from app.core.money import Money
from app.core.tokens import hash_token, well_formed
from app.crypto import own_copy
from app.crypto.errors import CannotOpen
from app.donations.appeals import Receiver, receivers_at
from app.donations.errors import DonationNotFound, PaymentObjectMissing
from app.donations.gateway import CheckoutStatus, PaymentGateway
from app.donations.models import Appeal
from app.donations.states import OPEN, UNPAID, is_settled

NEVER_OPENED: Final = frozenset({"not_started", "payment_busy", "payment_refused", "email_refused"})
"""Reasons of our own for a gift that was never charged: the donor got no page to pay on, no bank declined."""
_PUZZLES: Final = frozenset({"amount_mismatch", "second_charge"})
"""Something was charged that we could not book: a person looks into it."""


class Standing(StrEnum):
    """What can be said to a donor.

    `RECORDING`: Stripe says paid, our books will follow in a moment. `OPEN`: not charged, and Stripe's page
    still waits. `NOT_CHARGED`: not charged, and that page is closed. `UNKNOWN`: do not pay again.
    """

    CHARGED = "charged"
    RECORDING = "recording"
    OPEN = "open"
    NOT_CHARGED = "not_charged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DonationView:
    """One donation, for whoever holds its token; a repr shows nobody.

    Attributes:
        receivers: Who got the money, by the shares in force when it was given.
        terms: What the donor agreed to, by language, and its version.
        name: As typed; None where none was, or where the donor's data has been erased.
    """

    id: UUID
    appeal_slug: str
    appeal_title: dict[str, str]
    receivers: tuple[Receiver, ...]
    terms: dict[str, str]
    terms_version: int
    state: str
    amount: Money
    refunded: Money
    frequency: str
    locale: str
    placement: str | None
    failure_code: str | None
    stripe_session_id: str | None = field(repr=False)
    created_at: datetime
    settled_at: datetime | None
    email: str | None = field(repr=False)
    name: str | None = field(repr=False)

    @property
    def reference(self) -> str:
        """A short form of the id, for letters and phone calls."""
        return reference_of(self.id)

    @property
    def is_final(self) -> bool:
        """Whether the page need not refresh itself any more."""
        return self.state not in OPEN

    @property
    def is_puzzling(self) -> bool:
        """Whether Stripe took something that our books do not hold, so that a person has to look."""
        return self.failure_code in _PUZZLES and not is_settled(self.state)

    @property
    def is_charged(self) -> bool | None:
        """Whether money was taken; None where our own books do not know yet."""
        if is_settled(self.state):
            return True
        if self.is_puzzling:
            return None
        return False if self.state in UNPAID else None


@dataclass(frozen=True, slots=True)
class Return:
    """What a donor is told, and where to go on paying if they may."""

    standing: Standing
    checkout_url: str | None = field(default=None, repr=False)


def reference_of(donation_id: UUID) -> str:
    """The donation's reference: the last ten digits of its id, in two groups."""
    digits = donation_id.hex[-10:].upper()
    return f"{digits[:5]}-{digits[5:]}"


async def read_by_token(session: AsyncSession, token: str) -> DonationView:
    """The donation that a token opens.

    Raises:
        DonationNotFound: The token is cut off, mistyped, or opens nothing.
    """
    if not well_formed(token):
        raise DonationNotFound
    found = await session.execute(text("select * from read_donation(:hash)"), {"hash": hash_token(token)})
    row = found.one_or_none()
    if row is None:
        raise DonationNotFound
    appeal = (
        await session.execute(select(Appeal.slug, Appeal.title).where(Appeal.id == row.appeal_id))
    ).one()
    terms = (
        await session.execute(select(Wording.text, Wording.version).where(Wording.id == row.wording_id))
    ).one()
    receivers = await receivers_at(session, row.appeal_id, row.settled_at or row.created_at)
    email, name = _own_answers(token, row.own_copy)
    return DonationView(
        id=row.id,
        appeal_slug=appeal.slug,
        appeal_title=appeal.title,
        receivers=receivers,
        terms=terms.text,
        terms_version=terms.version,
        state=row.state,
        amount=Money(row.amount_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        frequency=row.frequency,
        locale=row.locale,
        placement=row.placement,
        failure_code=row.failure_code,
        stripe_session_id=row.stripe_session_id,
        created_at=row.created_at,
        settled_at=row.settled_at,
        email=email,
        name=name,
    )


async def ask_standing(gateway: PaymentGateway, view: DonationView) -> Return:
    """What is true now: our books first, else Stripe. Changes nothing; hold no connection meanwhile."""
    if view.is_charged is not None:
        return Return(Standing.CHARGED if view.is_charged else Standing.NOT_CHARGED)
    if view.stripe_session_id is None or view.is_puzzling:
        return Return(Standing.UNKNOWN)
    try:
        checkout = await gateway.find_checkout(view.stripe_session_id)
    except (AppError, PaymentObjectMissing):
        return Return(Standing.UNKNOWN)
    if checkout.status is CheckoutStatus.OPEN:
        return Return(Standing.OPEN, checkout.url)
    if checkout.status is CheckoutStatus.EXPIRED:
        return Return(Standing.NOT_CHARGED)
    return Return(Standing.RECORDING if checkout.is_paid else Standing.UNKNOWN)


def _own_answers(token: str, blob: bytes | None) -> tuple[str | None, str | None]:
    if blob is None:
        return None, None
    try:
        answers = own_copy.decrypt(token, blob)
    except CannotOpen:
        return None, None
    email, name = answers.get("email"), answers.get("name")
    return email if isinstance(email, str) else None, name if isinstance(name, str) else None
