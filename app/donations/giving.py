"""Start a donation: the row first, then Stripe's page, with no connection held in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.languages import pick
from app.core.money import Money
from app.core.tokens import hash_token, new_token
from app.crypto import own_copy
from app.crypto.sealing import Sealer
from app.donations.appeals import PublishedAppeal, read_appeal
from app.donations.errors import (
    EmailRefused,
    PaymentBusy,
    PaymentObjectMissing,
    PaymentRefused,
    PaymentUnavailable,
)
from app.donations.gateway import CheckoutOrder, PaymentGateway
from app.donations.gift import CheckedGift, Gift, check_against, check_answers
from app.donations.idempotency import Claim, Keys
from app.donations.models import Donation
from app.donations.states import UNPAID


@dataclass(frozen=True, slots=True)
class StartedDonation:
    """A donation that exists, and where to pay.

    Attributes:
        token: Opens `/donations/{token}`; whoever holds it sees the donation.
        checkout_url: Stripe's page; None when there is nothing left to pay (a repeated request).
    """

    id: UUID
    token: str = field(repr=False)
    state: str
    amount: Money
    checkout_url: str | None = field(repr=False)


class Giving:
    """Starts donations for the public role.

    Args:
        form_key: The public role's own HMAC key.
        public_url: The only source of the links that Stripe sends donors back to.
    """

    def __init__(
        self,
        *,
        database: Database,
        sealer: Sealer,
        gateway: PaymentGateway,
        form_key: bytes,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._gateway = gateway
        self._keys = Keys(form_key)
        self._public_url = public_url
        self._clock = clock

    async def start(
        self, gift: Gift, *, caller: str = "", idempotency_key: str | None = None
    ) -> StartedDonation:
        """Write the donation down and open Stripe's page for it.

        Args:
            gift: The form.
            caller: The client's network; keys of one network are not another's.
            idempotency_key: The same key and the same gift give the same donation for 24 hours.

        Raises:
            AppError: One of `app.donations.errors`; PaymentUnavailable alone leaves the outcome unknown, and
                the donor is then mailed by the sweeper.
        """
        checked = check_answers(gift)
        async with self._database.begin() as session:
            appeal = await read_appeal(session, gift.appeal_slug, self._clock.now())
            claim = Claim(new_id(), is_first=True)
            token = new_token()
            if idempotency_key is not None:
                claim = await self._keys.claim(
                    session,
                    caller=caller,
                    key=idempotency_key,
                    body=checked.body(),
                    donation_id=claim.donation_id,
                )
                token = self._keys.token(idempotency_key, claim.donation_id)
            if claim.is_first:
                check_against(checked, appeal)
                await self._write(session, claim.donation_id, token, checked, appeal)
        order = self._order(claim.donation_id, token, checked, appeal)
        if not claim.is_first:
            return await self._resume(order, token)
        return await self._open(order, token, resumable=idempotency_key is not None)

    async def _write(
        self,
        session: AsyncSession,
        donation_id: UUID,
        token: str,
        gift: CheckedGift,
        appeal: PublishedAppeal,
    ) -> None:
        """The row, by the columns that the public role may write; it cannot read them back."""
        email = gift.address.deliver_to
        answers: dict[str, JsonValue] = {
            "email": email,
            "name": gift.name,
            "amount_minor": gift.amount.amount_minor,
            "currency": gift.amount.currency,
            "locale": gift.locale,
        }
        # The token goes in too, so that the worker can write its link into a mail; nobody else can open this.
        details: dict[str, JsonValue] = {"name": gift.name, "email": email, "token": token}
        values = {
            "id": donation_id,
            "appeal_id": appeal.id,
            "amount_minor": gift.amount.amount_minor,
            "currency": gift.amount.currency,
            "frequency": gift.frequency,
            "wording_id": appeal.wording.id,
            "placement": gift.placement,
            "locale": gift.locale,
            "token_hash": hash_token(token),
            "details_sealed": self._sealer.seal(details, donation_id),
            "own_copy": own_copy.encrypt(token, answers),
        }
        await session.execute(insert(Donation).inline().values(values))

    def _order(
        self, donation_id: UUID, token: str, gift: CheckedGift, appeal: PublishedAppeal
    ) -> CheckoutOrder:
        back = f"{self._public_url}/donations/{token}"
        return CheckoutOrder(
            donation_id=donation_id,
            amount_minor=gift.amount.amount_minor,
            currency=gift.amount.currency,
            title=pick(appeal.title, gift.locale),
            email=gift.address.envelope,
            locale=gift.locale,
            success_url=back,
            cancel_url=f"{back}?cancelled=1",
        )

    async def _open(self, order: CheckoutOrder, token: str, *, resumable: bool) -> StartedDonation:
        """Ask for the page, and note its id. Raises what the gateway raises."""
        key = f"donation:{order.donation_id}:create:1"
        try:
            checkout = await self._gateway.create_checkout(order, idempotency_key=key)
        except PaymentBusy as refusal:
            if not resumable:
                await self._refuse(token, refusal.code)
            raise
        except PaymentRefused as refusal:
            await self._refuse(token, refusal.code)
            raise
        query = text("select attach_checkout(:hash, :session_id)")
        async with self._database.begin() as session:
            state = await session.scalar(query, {"hash": hash_token(token), "session_id": checkout.id})
        if state is None or state in UNPAID:
            # The sweeper gave this donation up, or it has another page: nobody gets this one's address.
            raise PaymentUnavailable
        return _started(order, token, state, checkout.url)

    async def _resume(self, order: CheckoutOrder, token: str) -> StartedDonation:
        """Rebuild the answer to an earlier request, and finish what it could not."""
        query = text("select state, stripe_session_id, failure_code from read_donation(:hash)")
        async with self._database.begin() as session:
            row = (await session.execute(query, {"hash": hash_token(token)})).one()
        if row.state == "created":
            return await self._open(order, token, resumable=True)
        if row.state == "failed" and row.failure_code in _REFUSALS:
            raise _REFUSALS[row.failure_code]
        if row.state != "pending" or row.stripe_session_id is None:
            return _started(order, token, row.state, None)
        try:
            checkout = await self._gateway.find_checkout(row.stripe_session_id)
        except PaymentObjectMissing:
            return _started(order, token, row.state, None)
        return _started(order, token, row.state, checkout.url)

    async def _refuse(self, token: str, code: str) -> None:
        query = text("select refuse_checkout(:hash, :code)")
        async with self._database.begin() as session:
            await session.execute(query, {"hash": hash_token(token), "code": code})


_REFUSALS: Mapping[str, type[PaymentRefused]] = {c.code: c for c in (PaymentRefused, EmailRefused)}


def _started(order: CheckoutOrder, token: str, state: str, url: str | None) -> StartedDonation:
    return StartedDonation(order.donation_id, token, state, Money(order.amount_minor, order.currency), url)
