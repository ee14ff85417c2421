"""Stripe, by its own SDK: the only module that imports it.

Its errors quote what was sent to it, an address among other things; neither they nor its logs leave here.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn, TypeVar
from uuid import UUID

import stripe

from app.core.clock import Clock, SystemClock
from app.donations import stripe_reading as reading
from app.donations.errors import (
    DonationInProgress,
    EmailRefused,
    PaymentBusy,
    PaymentObjectMissing,
    PaymentRefused,
    PaymentUnavailable,
    WebhookInvalid,
    WebhookLivemode,
    WebhookSignatureInvalid,
)
from app.donations.gateway import (
    USED_EVENTS,
    CheckoutOrder,
    CheckoutSession,
    EventNotice,
    Payment,
)

if TYPE_CHECKING:
    from stripe.params import EventListParams
    from stripe.params.checkout import SessionCreateParams, SessionListParams

_T = TypeVar("_T")

API_VERSION = "2026-05-27.dahlia"
"""Pinned: the version that the OpenAPI description in our tests describes."""

TOLERANCE_SECONDS = 300
"""How far a webhook's time may lie from ours, before or after (Stripe's own default looks back only)."""

_LOCALES = frozenset({"cs", "de", "en", "es", "fr", "hu", "it", "lt", "lv", "nl", "pl", "pt", "ro", "sk"})
"""Those of Stripe's that a campaign could be in, and none that it would guess from a browser."""
_BUSY_WAITS = (0.5, 1.5)
_PAGES = 50
_NOT_FOUND, _CONFLICT = 404, 409


def stripe_locale(locale: str) -> str:
    """The language of Stripe's page: English where it lacks ours (Ukrainian, Arabic), never its own guess."""
    return locale if locale in _LOCALES else "en"


class StripeGateway:
    """Stripe in test mode, by API version `API_VERSION`.

    Args:
        secret_key: `sk_test_…` or `rk_test_…`.
        webhook_secret: `whsec_…`; may be empty where no webhook is received (the worker).
        api_base: Another address than Stripe's own: the simulator's.
        timeout_seconds: For one HTTP request.
        retries: How often the SDK repeats a request that met no answer, a conflict or a fault, always with
            the same idempotency key.
        deadline_seconds: For one call, its repetitions and waits included.
    """

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str = "",
        *,
        api_base: str | None = None,
        timeout_seconds: float = 10,
        retries: int = 2,
        deadline_seconds: float = 15,
        clock: Clock | None = None,
    ) -> None:
        # At INFO the SDK logs error messages, and those quote addresses.
        logging.getLogger("stripe").setLevel(logging.CRITICAL)
        self._http = stripe.HTTPXClient(timeout=timeout_seconds)
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=retries,
            http_client=self._http,
        )
        self._webhook_secret = webhook_secret
        self._deadline = deadline_seconds
        self._clock = clock or SystemClock()

    async def create_checkout(self, order: CheckoutOrder, *, idempotency_key: str) -> CheckoutSession:
        """See PaymentGateway. Whatever makes the request is in `order`, so that it can be made again."""
        ours = {"donation_id": str(order.donation_id)}
        params: SessionCreateParams = {
            "mode": "payment",
            "submit_type": "donate",
            "client_reference_id": str(order.donation_id),
            "customer_email": order.email,
            "locale": stripe_locale(order.locale),
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "metadata": ours,
            "payment_intent_data": {"metadata": ours},
            # The donor has chosen a currency on our page, and our row holds it.
            "adaptive_pricing": {"enabled": False},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": order.amount_minor,
                        "product_data": {"name": order.title},
                    },
                }
            ],
        }
        sessions = self._client.v1.checkout.sessions
        try:
            made = await self._ask(
                lambda: sessions.create_async(params, {"idempotency_key": idempotency_key})
            )
        except PaymentObjectMissing:
            raise PaymentRefused from None
        return reading.read_checkout(made.to_dict())

    async def find_checkout(self, session_id: str) -> CheckoutSession:
        """See PaymentGateway."""
        sessions = self._client.v1.checkout.sessions
        return reading.read_checkout((await self._ask(lambda: sessions.retrieve_async(session_id))).to_dict())

    async def search_checkout(
        self, donation_id: UUID, *, since: datetime, until: datetime
    ) -> CheckoutSession | None:
        """See PaymentGateway. Stripe cannot search by our id, so the span of time is read through."""
        sessions = self._client.v1.checkout.sessions
        params: SessionListParams = {
            "limit": 100,
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
        }
        for _ in range(_PAGES):
            page = await self._ask(lambda: sessions.list_async(params))
            for each in page.data:
                if each.client_reference_id == str(donation_id):
                    return reading.read_checkout(each.to_dict())
            if not page.has_more:
                return None
            params["starting_after"] = page.data[-1].id
        raise PaymentUnavailable

    async def expire_checkout(self, session_id: str) -> None:
        """See PaymentGateway."""
        sessions = self._client.v1.checkout.sessions
        try:
            await self._ask(lambda: sessions.expire_async(session_id))
        except PaymentRefused:
            return

    async def find_payment(self, object_id: str) -> Payment:
        """See PaymentGateway."""
        v1 = self._client.v1
        if object_id.startswith("cs_"):
            found = await self._ask(
                lambda: v1.checkout.sessions.retrieve_async(
                    object_id, {"expand": ["payment_intent.latest_charge"]}
                )
            )
            session = found.to_dict()
            return await self._payment(session, session["payment_intent"], refunded=False)
        intent_id, refunded = await self._intent_id(object_id)
        intent = await self._ask(
            lambda: v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
        )
        sessions = await self._ask(
            lambda: v1.checkout.sessions.list_async({"payment_intent": intent_id, "limit": 1})
        )
        paid_on = sessions.data[0].to_dict() if sessions.data else None
        return await self._payment(paid_on, intent.to_dict(), refunded=refunded)

    async def _intent_id(self, object_id: str) -> tuple[str, bool]:
        """The payment intent behind an object, and whether the object is a refund."""
        v1 = self._client.v1
        if object_id.startswith("pi_"):
            return object_id, False
        if object_id.startswith(("re_", "pyr_")):
            refund = await self._ask(lambda: v1.refunds.retrieve_async(object_id))
            behind, refunded = refund.to_dict().get("payment_intent"), True
        else:
            charge = await self._ask(lambda: v1.charges.retrieve_async(object_id))
            behind, refunded = charge.to_dict().get("payment_intent"), False
        if not isinstance(behind, str):
            raise PaymentObjectMissing(object_id)
        return behind, refunded

    async def _payment(
        self, session: reading.Data | None, intent: reading.Data | None, *, refunded: bool
    ) -> Payment:
        charge = intent.get("latest_charge") if intent else None
        refunds: list[reading.Data] = []
        if intent is not None and isinstance(charge, dict) and (refunded or charge["amount_refunded"]):
            listed = await self._ask(
                lambda: self._client.v1.refunds.list_async({"payment_intent": intent["id"], "limit": 100})
            )
            refunds = [refund.to_dict() for refund in listed.data]
        return reading.read_payment(session, intent, refunds)

    async def list_events(
        self, *, since: datetime, until: datetime | None = None
    ) -> AsyncIterator[EventNotice]:
        """See PaymentGateway."""
        params: EventListParams = {
            "limit": 100,
            "types": sorted(USED_EVENTS),
            "created": {"gte": int(since.timestamp())},
        }
        if until is not None:
            params["created"] = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        while True:
            page = await self._ask(lambda: self._client.v1.events.list_async(params))
            for each in page.data:
                yield reading.read_notice(each.to_dict())
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    def verify(self, payload: bytes, signature: str) -> EventNotice:
        """See PaymentGateway."""
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            raise WebhookInvalid from None
        if not signature.isascii() or not self._is_recent(signature):
            raise WebhookSignatureInvalid
        try:
            stripe.WebhookSignature.verify_header(text, signature, self._webhook_secret)
        except stripe.SignatureVerificationError:
            raise WebhookSignatureInvalid from None
        try:
            notice = reading.read_notice(json.loads(text))
        except (ValueError, RecursionError):
            raise WebhookInvalid from None
        if notice.livemode:
            raise WebhookLivemode
        return notice

    def _is_recent(self, signature: str) -> bool:
        """Whether the header's time is within the tolerance; the SDK looks at the past only."""
        times = [part[2:] for part in signature.split(",") if part.startswith("t=")]
        if len(times) != 1 or not times[0].isdigit() or len(times[0]) > len("9999999999"):
            return False
        return abs(self._clock.now().timestamp() - int(times[0])) <= TOLERANCE_SECONDS

    async def close(self) -> None:
        """See PaymentGateway."""
        # The SDK leaves this one function without types.
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _ask(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call Stripe, wait and ask again when it is busy, and put its errors into our words."""
        try:
            async with asyncio.timeout(self._deadline):
                for wait in _BUSY_WAITS:
                    try:
                        return await call()
                    except stripe.RateLimitError:
                        await asyncio.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - spreads retries
                return await call()
        except TimeoutError:
            raise PaymentUnavailable from None
        except stripe.StripeError as error:
            _raise_ours(error)


def _raise_ours(error: stripe.StripeError) -> NoReturn:
    """What Stripe's error means for us: nothing done (busy, refused, missing), or not known."""
    if isinstance(error, stripe.RateLimitError):
        raise PaymentBusy from None
    if error.http_status == _CONFLICT:
        raise DonationInProgress from None
    if isinstance(error, stripe.InvalidRequestError):
        if error.http_status == _NOT_FOUND:
            raise PaymentObjectMissing from None
        if error.param == "customer_email":
            raise EmailRefused(field="email") from None
        raise PaymentRefused from None
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError | stripe.CardError):
        raise PaymentRefused from None
    # No connection, no answer in time, a fault of Stripe's own, a key that met other parameters.
    raise PaymentUnavailable from None
