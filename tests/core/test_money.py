import contextlib
from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.money import (
    MAX_MINOR,
    SUPPORTED_CURRENCIES,
    CurrencyMismatch,
    InvalidAmount,
    Money,
    UnsupportedCurrency,
    minor_digits,
    parse_major,
)

LOCALES = ["en", "en_GB", "uk", "pl", "de", "fr", "de_CH", "ar", "ar_EG", "ja"]
currencies = st.sampled_from(sorted(SUPPORTED_CURRENCIES))


def test_minor_digits_are_those_of_iso_4217() -> None:
    assert {c: minor_digits(c) for c in SUPPORTED_CURRENCIES} == {
        "GBP": 2,
        "EUR": 2,
        "USD": 2,
        "PLN": 2,
        "UAH": 2,
        "JPY": 0,
    }
    assert all(minor_digits(c) == get_currency_precision(c) for c in SUPPORTED_CURRENCIES)


@pytest.mark.parametrize("currency", ["HUF", "UGX", "ISK", "TWD", "BHD", "gbp", "", "XXX", "GB\x00"])
def test_currencies_that_differ_elsewhere_are_refused(currency: str) -> None:
    with pytest.raises(UnsupportedCurrency) as refusal:
        Money(1, currency)
    assert (refusal.value.code, refusal.value.field) == ("currency_unsupported", "currency")


@pytest.mark.parametrize("amount", [25.0, "25", True, None, Decimal(25)])
def test_only_whole_minor_units_count(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "GBP")  # type: ignore[arg-type]


def test_what_the_ledger_cannot_hold_is_refused() -> None:
    assert Money(MAX_MINOR, "GBP").amount_minor == MAX_MINOR
    with pytest.raises(OverflowError):
        Money(MAX_MINOR, "GBP") + Money(1, "GBP")


def test_sums_and_comparisons() -> None:
    five, three = Money(500, "GBP"), Money(300, "GBP")
    assert five + three == Money(800, "GBP")
    assert three - five == Money(-200, "GBP") == -Money(200, "GBP")
    assert three < five
    assert three <= five
    assert five > three
    assert five >= three
    assert sum([five, three], Money.zero("GBP")) == Money(800, "GBP")
    assert five != Money(500, "EUR")


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_currencies_never_mix(operation: str) -> None:
    with pytest.raises(CurrencyMismatch):
        getattr(Money(1, "GBP"), operation)(Money(1, "EUR"))


def test_it_is_written_as_readers_write_it() -> None:
    assert Money(2500, "GBP").format("en-GB") == "£25.00"
    assert Money(2500, "GBP").format_short("en-GB") == "£25"
    assert Money(2550, "GBP").format_short("en") == "£25.50"
    assert Money(100050, "UAH").format("uk") == "1\u00a0000,50\u00a0₴"
    assert Money(100000, "UAH").format_short("uk") == "1\u00a0000\u00a0₴"
    assert Money(1000, "JPY").format("en") == Money(1000, "JPY").format_short("en") == "¥1,000"
    assert Money(-50, "GBP").to_major() == Decimal("-0.50")
    assert str(Money(2500, "GBP").to_major()) == "25.00"


@pytest.mark.parametrize(
    ("text", "currency", "locale", "minor"),
    [
        ("25", "GBP", "en", 2500),
        ("25.50", "GBP", "en", 2550),
        ("25.5", "GBP", "en", 2550),
        (" £25 ", "GBP", "en", 2500),
        ("£ 25", "GBP", "uk", 2500),
        ("25 GBP", "GBP", "en", 2500),
        ("gbp25", "GBP", "en", 2500),
        ("1,000", "GBP", "en", 100000),
        ("1,000.50", "GBP", "uk", 100050),
        ("1.000,50", "EUR", "en", 100050),
        ("1.000", "EUR", "de", 100000),
        ("25,50", "GBP", "en", 2550),
        ("25.50", "UAH", "uk", 2550),
        ("1 000,50", "UAH", "uk", 100050),
        ("1\u00a0000,50\u00a0₴", "UAH", "uk", 100050),
        ("1 000 грн", "UAH", "uk", 100000),
        ("1'000.50", "EUR", "de_CH", 100050),
        ("1’000", "EUR", "de_CH", 100000),
        ("1\u202f000,50 €", "EUR", "fr", 100050),
        ("1,000,000", "GBP", "en", 100000000),
        ("1,000,000", "UAH", "uk", 100000000),
        ("٢٥٫٥", "GBP", "ar", 2550),
        ("٢٥", "GBP", "ar", 2500),
        ("٢٥٫٥٠", "GBP", "ar", 2550),
        ("١٬٠٠٠٫٥٠", "GBP", "ar", 100050),
        ("۲۵", "GBP", "en", 2500),
        ("２５", "JPY", "ja", 25),
        ("1000", "JPY", "en", 1000),
        ("¥1,000", "JPY", "en", 1000),
        ("1 000 円", "JPY", "ja", 1000),
        ("0", "GBP", "en", 0),
        ("0.01", "GBP", "en", 1),
        ("50 zł", "PLN", "pl", 5000),
        ("US$10", "USD", "en_GB", 1000),
        ("$10", "USD", "en", 1000),
    ],
)
def test_what_people_type_is_read_exactly(text: str, currency: str, locale: str, minor: int) -> None:
    assert parse_major(text, currency, locale) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "locale"),
    [
        ("", "GBP", "en"),
        ("   ", "GBP", "en"),
        ("£", "GBP", "en"),
        ("££25", "GBP", "en"),
        ("£25 GBP", "GBP", "en"),
        ("€25", "GBP", "en"),
        ("-25", "GBP", "en"),
        ("\u221225", "GBP", "en"),
        ("+25", "GBP", "en"),
        ("(25)", "GBP", "en"),
        ("25-", "GBP", "en"),
        ("1e3", "GBP", "en"),
        ("NaN", "GBP", "en"),
        ("inf", "GBP", "en"),
        ("0x19", "GBP", "en"),
        ("25.505", "GBP", "en"),
        ("25.000", "GBP", "en"),
        ("1.000", "GBP", "en"),
        ("1,000", "UAH", "uk"),
        ("0,500", "GBP", "en"),
        ("25,5", "GBP", "en"),
        ("25.", "GBP", "en"),
        (".50", "GBP", "en"),
        ("1,00,000", "GBP", "en"),
        ("1,000,00", "GBP", "en"),
        ("1.000.50", "GBP", "en"),
        ("1 000,000.50", "GBP", "en"),
        ("1,0000", "GBP", "en"),
        ("1000,000", "GBP", "en"),
        ("1_000", "GBP", "en"),
        ("1  000", "GBP", "en"),
        ("25 50", "GBP", "en"),
        ("1000.5", "JPY", "en"),
        ("1000.00", "JPY", "en"),
        ("1.000", "JPY", "en"),
        ("2٥", "GBP", "ar"),
        ("٢٥٫٥٫٠", "GBP", "ar"),
        ("²⁵", "GBP", "en"),
        ("½", "GBP", "en"),
        ("二十五", "JPY", "ja"),
        ("25\x00", "GBP", "en"),
        ("2\n5", "GBP", "en"),
        ("\ud83225", "GBP", "en"),
        ("9" * 16, "GBP", "en"),
        ("9" * 5000, "GBP", "en"),
    ],
)
def test_what_could_mean_something_else_is_refused(text: str, currency: str, locale: str) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        parse_major(text, currency, locale)
    assert (refusal.value.code, refusal.value.field) == ("amount_invalid", "amount")


@given(st.integers(0, 10**12), currencies, st.sampled_from(LOCALES))
@example(100000, "UAH", "uk")
def test_what_is_shown_can_be_typed_back(minor: int, currency: str, locale: str) -> None:
    money = Money(minor, currency)
    assert parse_major(money.format(locale), currency, locale) == money


@given(st.integers(0, 10**12), currencies, st.sampled_from(LOCALES))
def test_plain_figures_mean_the_same_everywhere(minor: int, currency: str, locale: str) -> None:
    money = Money(minor, currency)
    assert parse_major(str(money.to_major()), currency, locale) == money


@given(st.text(max_size=50), currencies, st.sampled_from(LOCALES))
def test_any_text_is_an_amount_or_an_error(text: str, currency: str, locale: str) -> None:
    with contextlib.suppress(InvalidAmount):
        assert parse_major(text, currency, locale).amount_minor >= 0


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), currencies)
def test_taking_away_what_was_added_leaves_the_same(one: int, other: int, currency: str) -> None:
    assert Money(one, currency) + Money(other, currency) - Money(other, currency) == Money(one, currency)


def test_equal_amounts_are_neither_less_nor_more() -> None:
    pound = Money(100, "GBP")
    assert pound <= Money(100, "GBP")
    assert pound >= Money(100, "GBP")
    assert not pound < Money(100, "GBP")
    assert not pound > Money(100, "GBP")


def test_what_is_refused_is_said_for_whoever_reads_the_trace() -> None:
    with pytest.raises(TypeError, match=r"^Money is counted in whole minor units$"):
        Money(1.0, "GBP")  # type: ignore[arg-type]
    with pytest.raises(OverflowError, match=r"^More than the ledger can hold$"):
        Money(2**63, "GBP")
    with pytest.raises(CurrencyMismatch, match="GBP and EUR"):
        Money(1, "GBP") + Money(1, "EUR")
