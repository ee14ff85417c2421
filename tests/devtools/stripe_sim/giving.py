"""What a donation's Checkout Session looks like, and how a payer goes through the page."""

from __future__ import annotations

import httpx
import stripe
from stripe.params import PaymentIntentCreateParamsAutomaticPaymentMethods
from stripe.params.checkout import SessionCreateParams

SUCCESS, CANCEL = (
    "http://127.0.0.1:8000/donations/d1?paid={CHECKOUT_SESSION_ID}",
    "http://127.0.0.1:8000/back",
)

CARDS: PaymentIntentCreateParamsAutomaticPaymentMethods = {"enabled": True, "allow_redirects": "never"}


def params(amount: int = 2500, currency: str = "gbp") -> SessionCreateParams:
    return {
        "mode": "payment",
        "submit_type": "donate",
        "client_reference_id": "donation-1",
        "metadata": {"donation": "donation-1"},
        "payment_intent_data": {"metadata": {"donation": "donation-1"}},
        "customer_email": "pat@example.org",
        "locale": "en",
        "success_url": SUCCESS,
        "cancel_url": CANCEL,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": currency,
                    "unit_amount": amount,
                    "product_data": {"name": "Refugees Welcome"},
                },
            },
        ],
    }


def open_session(
    client: stripe.StripeClient, amount: int = 2500, currency: str = "gbp", key: str = ""
) -> stripe.checkout.Session:
    options: stripe.RequestOptions = {"idempotency_key": key} if key else {}
    return client.v1.checkout.sessions.create(params(amount, currency), options)


def fill(
    browser: httpx.Client, session: stripe.checkout.Session, card: str, **changes: str
) -> httpx.Response:
    """Send the page's form."""
    answers = {
        "email": "pat@example.org",
        "cardNumber": card,
        "cardExpiry": "12 / 34",
        "cardCvc": "123",
        "billingName": "Pat Payer",
    }
    return browser.post(f"/c/pay/{session.id}", data=answers | changes)
