"""Money as integer minor units with its currency; never a float, never mixed."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Self

from babel import Locale
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol, get_decimal_symbol

from app.core.errors import AppError

SUPPORTED_CURRENCIES = frozenset({"GBP", "EUR", "USD", "PLN", "UAH", "JPY"})
"""Only currencies whose minor digits are the same for ISO 4217, for CLDR and for Stripe.

Elsewhere they part: Stripe wants UGX and ISK with two decimals that ISO does not have, pays out HUF and
TWD only in whole units, and takes three-decimal currencies only with a last digit of zero (Stripe,
"Supported currencies"). Adding a currency means checking it there first.
"""

MAX_MINOR = 2**63 - 1
"""What a PostgreSQL bigint holds."""

_MAX_TYPED = 40
_MAX_DIGITS = 15
_DECIMAL, _GROUP = ".", "_"

_SYMBOLS = {
    "GBP": ("£",),
    "EUR": ("€", "євро"),
    "USD": ("$", "us$"),
    "PLN": ("zł", "zl"),
    "UAH": ("₴", "грн.", "грн"),
    "JPY": ("¥", "￥", "円"),
}
_INVISIBLE = re.compile("[\u200e\u200f\u061c]")
# What can only group: spaces of every kind, apostrophes, the Arabic thousands separator.
_ONLY_GROUPS = re.compile(r"[ \u00a0\u2009\u202f'\u2019\u066c]")
_SHAPE = re.compile(r"(?P<whole>[1-9][0-9]{0,2}(?:_[0-9]{3})+|[0-9]+)(?:\.(?P<part>[0-9]+))?")


class UnsupportedCurrency(AppError):
    """The currency is not one that an appeal can be in."""

    code = "currency_unsupported"
    detail = "This currency is not supported."


class InvalidAmount(AppError):
    """What was typed is no amount of that currency, or could be read in two ways."""

    code = "amount_invalid"
    detail = "Write the amount in figures, for example 25 or 25.50."


class CurrencyMismatch(Exception):
    """Two currencies met in one sum: a mistake in the code, never in what somebody typed."""


@cache
def minor_digits(currency: str) -> int:
    """How many decimals the currency has (GBP 2, JPY 0). Raises UnsupportedCurrency."""
    if currency not in SUPPORTED_CURRENCIES:
        raise UnsupportedCurrency(field="currency")
    return int(get_currency_precision(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (pence, cents, whole yen) of one currency; may be negative in the ledger."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("Money is counted in whole minor units")
        if abs(self.amount_minor) > MAX_MINOR:
            raise OverflowError("More than the ledger can hold")
        minor_digits(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, of that currency."""
        return cls(0, currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount_minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount_minor >= self._same(other)

    def to_major(self) -> Decimal:
        """The exact amount in major units (pounds), with all its decimals: for CSV and for inputs."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))

    def format(self, locale: str | Locale) -> str:
        """As a reader of that language writes it: "£25.00", "25,00 ₴"."""
        return format_currency(self.to_major(), self.currency, locale=as_locale(locale))

    def format_short(self, locale: str | Locale) -> str:
        """The same without the decimals of a whole amount: "£25", but "£25.50"."""
        if self.amount_minor % 10 ** minor_digits(self.currency):
            return self.format(locale)
        known = as_locale(locale)
        whole = known.currency_formats["standard"].pattern.replace(".00", "")
        return format_currency(self.to_major(), self.currency, whole, known, currency_digits=False)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up")
        return other.amount_minor


def as_locale(locale: str | Locale) -> Locale:
    """Babel's locale for a language tag ("uk", "en-GB", "en_GB"). Raises babel.UnknownLocaleError."""
    return locale if isinstance(locale, Locale) else Locale.parse(locale.replace("-", "_"))


def parse_major(text: str, currency: str, locale: str | Locale) -> Money:
    """The amount that a person typed in major units: "25", "£25.50", "1 000,50", "٢٥".

    Comma and point are told apart by their place where that leaves one reading ("1,000.50"), else by the
    locale's own usage; what then has too many decimals is refused rather than rounded. Negative numbers,
    exponents, another currency's sign and mixed digits are refused. Zero is left to the minimum.

    Raises:
        InvalidAmount: there is not exactly one reading.
        UnsupportedCurrency: the currency is not in SUPPORTED_CURRENCIES.
    """
    digits = minor_digits(currency)
    if len(text) > _MAX_TYPED:
        raise InvalidAmount(field="amount")
    known = as_locale(locale)
    figures = _western(_without_sign(_INVISIBLE.sub("", text).strip().casefold(), currency, known))
    found = _SHAPE.fullmatch(_separated(figures, get_decimal_symbol(known), digits))
    if found is None:
        raise InvalidAmount(field="amount")
    whole, part = found["whole"].replace(_GROUP, ""), found["part"] or ""
    if len(part) > digits or len(whole) > _MAX_DIGITS:
        raise InvalidAmount(field="amount")
    return Money(int(whole + part.ljust(digits, "0")), currency)


def _without_sign(text: str, currency: str, locale: Locale) -> str:
    """The text without the currency's own sign or code, which may stand once, on either side."""
    names = {currency, get_currency_symbol(currency, locale), *_SYMBOLS[currency]}
    for name in sorted((n.casefold() for n in names), key=len, reverse=True):
        if text.startswith(name):
            return text.removeprefix(name).strip()
        if text.endswith(name):
            return text.removesuffix(name).strip()
    return text


def _western(text: str) -> str:
    """The same figures in 0-9; digits of two scripts in one number are refused."""
    scripts, figures = set(), []
    for character in text:
        value = unicodedata.decimal(character, None)
        if value is None:
            figures.append(character)
        else:
            scripts.add(ord(character) - value)
            figures.append(str(value))
    if len(scripts) > 1:
        raise InvalidAmount(field="amount")
    return "".join(figures)


def _separated(figures: str, decimal_symbol: str, digits: int) -> str:
    """The figures with `_` for every grouping mark and `.` for the decimal one."""
    plain = _ONLY_GROUPS.sub(_GROUP, figures)
    kinds = {character for character in plain if character in ",._\u066b"}
    if _GROUP in figures or len(kinds) > 2:  # noqa: PLR2004 - one mark to group, one before the decimals
        raise InvalidAmount(field="amount")
    marks = [character for character in plain if character in ",.\u066b"]
    if not marks:
        return plain
    last = marks[-1]
    if len(kinds) == 1 and last != "\u066b" and not _is_decimal(plain, last, decimal_symbol, digits):
        return plain.replace(last, _GROUP)
    return "".join(_DECIMAL if c == last else _GROUP if c in kinds else c for c in plain)


def _is_decimal(plain: str, mark: str, decimal_symbol: str, digits: int) -> bool:
    """Whether the only kind of mark stands before decimals.

    The locale's own decimal mark does, if it stands once. A foreign one does only where the figures behind it
    fill the currency's decimals exactly, and could so be no group of thousands.
    """
    if plain.count(mark) > 1:
        return False
    behind = len(plain) - plain.index(mark) - 1
    return mark == decimal_symbol or behind == digits
