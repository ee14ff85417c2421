"""What Stripe knows about currencies, as far as the simulator needs it.

Minimum amounts: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. A currency without
an entry (UAH) must convert to at least the settlement currency's minimum. Zero-decimal currencies:
https://docs.stripe.com/currencies#zero-decimal. Amounts have at most eight digits. The rates are invented
but plausible; tests may change them (`POST /_sim/settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from devtools.stripe_sim.errors import StripeFault

SETTLEMENT = "gbp"
MAXIMUM = 99_999_999
ZERO_DECIMAL = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga",
        "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
    },
)  # fmt: skip
MINIMUM: Mapping[str, int] = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
RATES: Mapping[str, str] = {
    "aed": "0.2069", "aud": "0.4961", "bgn": "0.4433", "brl": "0.1398", "cad": "0.5442", "chf": "0.9312",
    "czk": "0.0352", "dkk": "0.1162", "eur": "0.8671", "gbp": "1", "hkd": "0.0976", "huf": "0.002176",
    "inr": "0.00871", "jpy": "0.00507", "krw": "0.000541", "mxn": "0.0408", "myr": "0.1797", "nok": "0.0753",
    "nzd": "0.4396", "pln": "0.2037", "ron": "0.1704", "sek": "0.0789", "sgd": "0.5853", "thb": "0.0234",
    "try": "0.0186", "uah": "0.01818", "usd": "0.7600", "vnd": "0.0000289", "zar": "0.0432",
}  # fmt: skip
_SYMBOLS = {"gbp": "£", "eur": "€", "usd": "$", "jpy": "¥", "pln": "zł", "uah": "₴"}


def digits(currency: str) -> int:
    """Decimal digits of the currency's amounts in the API."""
    return 0 if currency in ZERO_DECIMAL else 2


def display(amount: int, currency: str) -> str:
    """Show minor units as a person reads them: `£25.00`, `¥500`, `CHF 3.00`."""
    places = digits(currency)
    figure = f"{Decimal(amount).scaleb(-places):,.{places}f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{figure}" if symbol else f"{currency.upper()} {figure}"


def convert(amount: int, currency: str, rate: Decimal) -> int:
    """Minor units of `currency` in minor units of the settlement currency, rounded half up."""
    major = Decimal(amount).scaleb(-digits(currency))
    return int((major * rate).scaleb(digits(SETTLEMENT)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def require_chargeable(amount: int, currency: str, rates: Mapping[str, str], *, session: bool) -> None:
    """Refuse unknown currencies and amounts outside Stripe's limits.

    Args:
        amount: Minor units.
        currency: ISO code in lower case.
        rates: What one unit of each currency is worth in the settlement currency.
        session: Word the refusal as Checkout does.

    Raises:
        StripeFault: `amount_too_small`, `amount_too_large` or an invalid currency.
    """
    if currency not in rates:
        known = ", ".join(sorted(rates))
        raise StripeFault(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {known}",
            param="line_items[0][price_data][currency]" if session else "currency",
        )
    param = None if session else "amount"
    if amount > MAXIMUM:
        most = display(MAXIMUM, currency)
        raise StripeFault(f"Amount must be no more than {most}", code="amount_too_large", param=param)
    converted = convert(amount, currency, Decimal(rates[currency]))
    least = MINIMUM.get(currency)
    if least is None and converted < MINIMUM[SETTLEMENT]:
        floor = display(MINIMUM[SETTLEMENT], SETTLEMENT)
        raise StripeFault(
            f"{_due(session=session)} at least {floor} {SETTLEMENT}. {display(amount, currency)} converts to "
            f"approximately {display(converted, SETTLEMENT)}.",
            code="amount_too_small",
            param=param,
        )
    if least is not None and amount < least:
        floor = display(least, currency)
        raise StripeFault(
            f"{_due(session=session)} at least {floor} {currency}", code="amount_too_small", param=param
        )


def _due(*, session: bool) -> str:
    return "The Checkout Session's total amount due must add up to" if session else "Amount must be"
