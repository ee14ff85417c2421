"""Gifts of invented signers: what they give, in which currency, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from app.cli.demo.people import Signer, Weighted

_GIVES = 0.09
_CURRENCY = {"PL": "PLN", "UA": "UAH", "US": "USD", "JP": "JPY"} | dict.fromkeys(
    ("IE", "DE", "FR", "ES", "NL", "IT"), "EUR"
)
# In pounds, euros or dollars; other currencies by a round rate, so that gifts stay of one size.
_AMOUNTS: Weighted[int] = Weighted(
    {5: 9, 10: 24, 12: 2, 15: 8, 20: 16, 25: 18, 30: 5, 40: 3, 50: 10, 100: 4, 250: 1}
)
_MINOR_UNITS = {"GBP": 100, "EUR": 100, "USD": 100, "PLN": 400, "UAH": 4_000, "JPY": 150}
_STATES: Weighted[str] = Weighted({"succeeded": 92, "expired": 4, "failed": 3, "refunded": 1})


@dataclass(frozen=True, slots=True)
class Gift:
    """One invented donation.

    Attributes:
        settled_at: When the money came; None where none did.
        ended_at: When it came to its state.
    """

    amount_minor: int
    currency: str
    state: str
    created_at: datetime
    settled_at: datetime | None
    ended_at: datetime


def draw_gift(random: Random, signer: Signer, now: datetime) -> Gift | None:
    """What a signer gives shortly after confirming; None from most, and from who withdrew."""
    if signer.confirmed_at is None or signer.state != "confirmed" or random.random() >= _GIVES:
        return None
    created_at = signer.confirmed_at + timedelta(minutes=random.uniform(0.5, 25))
    currency = _CURRENCY.get(signer.country, "GBP")
    state = _STATES.draw(random)
    wait = {"expired": 24 * 60, "refunded": random.uniform(60, 4_000)}.get(state, random.uniform(0.5, 4))
    paid_at = created_at + timedelta(minutes=random.uniform(0.5, 4))
    ended_at = paid_at if state == "succeeded" else created_at + timedelta(minutes=wait)
    if max(paid_at, ended_at) > now:
        return None
    return Gift(
        amount_minor=_AMOUNTS.draw(random) * _MINOR_UNITS[currency],
        currency=currency,
        state=state,
        created_at=created_at,
        settled_at=paid_at if state in ("succeeded", "refunded") else None,
        ended_at=ended_at,
    )
