"""The least and the most that can be given by card at once, by currency.

Least: Stripe refuses charges below its own minimum (Stripe, "Minimum and maximum charge amounts": GBP 0.30,
EUR and USD 0.50, PLN 2, JPY 50; UAH, which Stripe does not settle, whatever converts to the minimum of the
account's own currency, about 17 for 0.30 pounds). Ours lies above it for a second reason: a card payment
costs a fixed fee of about 0.20 pounds, which would eat most of a smaller gift. UAH leaves room for its rate.

Most: Stripe takes eight digits. Ours is about 10,000 pounds: larger gifts deserve a conversation, cost less
by bank transfer, and are what stolen cards and money laundering look like (Charity Commission, "Know your
donor").
"""

from app.core.money import Money
from app.donations.errors import AmountTooLarge, AmountTooSmall

LIMITS = {
    "GBP": (1_00, 10_000_00),
    "EUR": (1_00, 10_000_00),
    "USD": (1_00, 10_000_00),
    "PLN": (5_00, 50_000_00),
    "UAH": (50_00, 500_000_00),
    "JPY": (200, 1_500_000),
}


def limits(currency: str) -> tuple[Money, Money]:
    """The least and the most of a currency. Raises KeyError for one that no appeal can be in."""
    least, most = LIMITS[currency]
    return Money(least, currency), Money(most, currency)


def check_amount(amount: Money) -> None:
    """Raises AmountTooSmall or AmountTooLarge for what is outside the currency's limits."""
    least, most = limits(amount.currency)
    if amount < least:
        raise AmountTooSmall(f"The least that can be given by card is {least.format('en')}.", field="amount")
    if amount > most:
        raise AmountTooLarge(
            f"The most that can be given by card at once is {most.format('en')}. "
            "Please write to us about a larger gift.",
            field="amount",
        )
