"""What is too little and too much to give by card, to the penny, in each currency."""

import pytest

from app.core.money import Money
from app.donations.errors import AmountTooLarge, AmountTooSmall
from app.donations.limits import LIMITS, check_amount, limits


@pytest.mark.parametrize("currency", sorted(LIMITS))
def test_limits_are_taken_and_a_unit_beyond_them_is_not(currency: str) -> None:
    least, most = limits(currency)
    assert (least, most) == tuple(Money(amount, currency) for amount in LIMITS[currency])
    check_amount(least)
    check_amount(most)
    with pytest.raises(AmountTooSmall) as small:
        check_amount(least - Money(1, currency))
    with pytest.raises(AmountTooLarge) as large:
        check_amount(most + Money(1, currency))
    assert small.value.field == large.value.field == "amount"
    assert f"by card is {least.format('en')}." in small.value.detail
    assert f"at once is {most.format('en')}. Please write" in large.value.detail


def test_other_currencies_have_none() -> None:
    with pytest.raises(KeyError):
        limits("CHF")
