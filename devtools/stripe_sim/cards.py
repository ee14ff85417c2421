"""Stripe's test cards and test payment methods (https://docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["succeeds", "declines", "authenticates"]
_DECLINED = "Your card was declined."
LIVE_CARD = (
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing."
)


@dataclass(frozen=True)
class Card:
    """A test card and what a payment with it does.

    Args:
        number: Digits only.
        brand: Stripe's brand (`visa`).
        outcome: What happens on an attempt.
        code: Error code of a decline.
        decline_code: The issuer's reason.
        message: What the payer reads.
        country: Issuing country, which decides Stripe's fee.
    """

    number: str
    brand: str
    outcome: Outcome = "succeeds"
    code: str = ""
    decline_code: str = ""
    message: str = ""
    country: str = "US"

    @property
    def last4(self) -> str:
        """The last four digits, all that Stripe ever shows."""
        return self.number[-4:]


def _declined(number: str, code: str, decline_code: str, message: str = _DECLINED) -> Card:
    return Card(number, "visa", "declines", code, decline_code, message)


_CARDS = [
    Card("4242424242424242", "visa"),
    Card("4000056655665556", "visa"),
    Card("4000008260000000", "visa", country="GB"),
    Card("4000058260000005", "visa", country="GB"),
    Card("4000002760000016", "visa", country="DE"),
    Card("4000006160000005", "visa", country="PL"),
    Card("4000008040000002", "visa", country="UA"),
    Card("5555555555554444", "mastercard"),
    Card("2223003122003222", "mastercard"),
    Card("5200828282828210", "mastercard"),
    Card("5555558265554449", "mastercard", country="GB"),
    Card("378282246310005", "amex"),
    Card("371449635398431", "amex"),
    Card("6011111111111117", "discover"),
    Card("3056930009020004", "diners"),
    Card("3566002020360505", "jcb"),
    Card("6200000000000005", "unionpay"),
    _declined("4000000000000002", "card_declined", "generic_decline"),
    _declined("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    _declined("4000000000009987", "card_declined", "lost_card"),
    _declined("4000000000009979", "card_declined", "stolen_card"),
    _declined("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    _declined(
        "4000000000000127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    _declined(
        "4000000000000119",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    Card("4000002500003155", "visa", "authenticates"),
    Card("4000002760003184", "visa", "authenticates", country="DE"),
    Card("4000000000003220", "visa", "authenticates"),
    Card(
        "4000008400001629", "visa", "authenticates", "card_declined", "generic_decline", _DECLINED
    ),  # declined even after the payer has authenticated
]
CARDS = {card.number: card for card in _CARDS}

PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_gb": "4000008260000000",
    "pm_card_de": "4000002760000016",
    "pm_card_pl": "4000006160000005",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_threeDSecure2Required": "4000000000003220",
}
"""Payment methods that exist in every test account."""


def passes_luhn(number: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - the sum of a number's two digits
    return total % 10 == 0


def find(number: str) -> Card | None:
    """The card of that number; None when it is no card number at all.

    A number that could be a real card is declined, as Stripe does in test mode.
    """
    if not (number.isascii() and number.isdigit() and 13 <= len(number) <= 19 and passes_luhn(number)):  # noqa: PLR2004 - ISO/IEC 7812-1
        return None
    return CARDS.get(number) or _declined(number, "card_declined", "test_mode_live_card", LIVE_CARD)
