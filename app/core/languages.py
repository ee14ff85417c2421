"""The languages pages and mails are written in, and how each writes numbers, dates and lists.

English is the source. Translations are read from `app/locales/*/LC_MESSAGES/haven.po` and compiled in memory,
so that a fresh clone needs no build step and no compiled file can be older than its source.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_currency_symbol
from babel.support import NullTranslations, Translations

DOMAIN: Final = "haven"
DEFAULT_LOCALE: Final = "en"
LOCALES: Final = ("en", "uk", "ar")
LANGUAGE_NAMES: Final = {"en": "English", "uk": "Українська", "ar": "العربية"}
LOCALES_DIR: Final = Path(__file__).resolve().parent.parent / "locales"
DEFAULT_ZONE: Final = "Europe/London"

Direction = Literal["ltr", "rtl"]

_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "PLN": "zł", "UAH": "₴", "JPY": "¥"}
# English here is British: dates, spelling, the pound.
_CLDR = {"en": "en_GB", "uk": "uk", "ar": "ar"}
# CLDR names regions, unions and test values with two letters too; these are no countries of ISO 3166-1.
_NO_COUNTRIES = frozenset(
    ("AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ")
)
_TWO_LETTERS = re.compile("[A-Z]{2}")
COUNTRIES: Final = frozenset(filter(_TWO_LETTERS.fullmatch, Locale.parse("en").territories)) - _NO_COUNTRIES
"""ISO 3166-1 alpha-2, and XK for Kosovo."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words together with the language they are really in, which may not be the page's."""

    value: str
    locale: str = DEFAULT_LOCALE

    def __str__(self) -> str:
        return self.value


def supported(tag: str | None) -> str | None:
    """The locale that serves a language tag ("uk-UA" → "uk"), or None for a language there is none for."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return primary if primary in LOCALES else None


def direction(locale: str) -> Direction:
    """Which way the language is written."""
    return "rtl" if cldr(locale).text_direction == "rtl" else "ltr"


@cache
def cldr(locale: str) -> Locale:
    """Babel's locale for one of ours. Raises KeyError for another."""
    return Locale.parse(_CLDR[locale])


def pick_text(translated: Mapping[str, str], locale: str) -> Text:
    """The words in `locale`, else in English, else in whatever language there is; empty if in none."""
    for candidate in (locale, DEFAULT_LOCALE, *translated):
        if translated.get(candidate):
            return Text(translated[candidate], candidate)
    return Text("", locale)


def pick(translated: Mapping[str, str], locale: str) -> str:
    """As `pick_text`, for where the language of the words need not be said."""
    return pick_text(translated, locale).value


@cache
def translations(locale: str) -> NullTranslations:
    """The messages of `locale`, compiled from its .po file once per process; English needs none."""
    if locale == DEFAULT_LOCALE:
        return NullTranslations()
    source = LOCALES_DIR / _CLDR[locale] / "LC_MESSAGES" / f"{DOMAIN}.po"
    with source.open("rb") as lines:
        catalog = read_po(lines, locale=locale, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


@cache
def countries(locale: str) -> tuple[tuple[str, str], ...]:
    """Every country as (code, name), in the order of the names in that language."""
    named = ((code, country_name(code, locale)) for code in COUNTRIES)
    return tuple(sorted(named, key=lambda pair: _collated(pair[1], locale)))


def country_name(code: str, locale: str) -> str:
    """The name of the country; the code itself where CLDR has no name."""
    return str(cldr(locale).territories.get(code, code))


def number(value: int, locale: str) -> str:
    """A whole number with its grouping: "265,826"."""
    return format_decimal(value, locale=cldr(locale))


def day(value: date | datetime, locale: str, zone: str = DEFAULT_ZONE) -> str:
    """A date in full ("8 March 2022"); a moment counts on the day it has in `zone`."""
    return format_date(_local(value, zone), format="long", locale=cldr(locale))


def from_now(wait: timedelta | int, locale: str) -> str:
    """How far ahead something is ("in 30 seconds"); negative: how long ago. Whole numbers are seconds."""
    ahead = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
    return format_timedelta(ahead, add_direction=True, locale=cldr(locale))


def with_sign(formatted: str, currency: str, locale: str) -> str:
    """The amount with the currency's sign instead of the letters CLDR prefers abroad.

    Ukrainian would write "25 GBP"; Arabic "25 UK£", whose letters and sign the bidirectional algorithm tears
    apart. The currencies that we take have signs of their own, so nothing becomes ambiguous.
    """
    return formatted.replace(get_currency_symbol(currency, cldr(locale)), currency_sign(currency, locale))


def currency_sign(currency: str, locale: str) -> str:
    """What stands for the currency beside an amount; English keeps "US$", for "$" alone is vague there."""
    known = get_currency_symbol(currency, cldr(locale))
    return known if locale == DEFAULT_LOCALE else _SIGNS.get(currency, known)


def listing(values: Sequence[str], locale: str) -> str:
    """A list in a sentence: "A, B and C"."""
    return format_list(list(values), locale=cldr(locale))


def _local(value: date | datetime, zone: str) -> date:
    return value.astimezone(ZoneInfo(zone)) if isinstance(value, datetime) else value


def _collated(name: str, locale: str) -> str:
    """A sort key that is right for these three languages without ICU, which the wheel lacks.

    English ignores accents ("Åland" under A); Ukrainian's own letters lie outside the alphabet's code points;
    Arabic ignores the article's hamza forms.
    """
    folded = name.casefold()
    if locale == "uk":
        return folded.translate(_UKRAINIAN)
    if locale == "ar":
        return folded.translate(_ARABIC)
    return folded.translate(_LATIN)


_ALPHABET = "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"
_UKRAINIAN = {ord(letter): chr(0x100 + place) for place, letter in enumerate(_ALPHABET)}
_ARABIC = str.maketrans("أإآ", "ااا")
_LATIN = str.maketrans("åçéèíôãáüúñó’", "aceeioaauuno'")
