"""Jinja environments for pages and mails: escaped, strict about what is missing, one for each language."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app.core import languages
from app.core.languages import Text
from app.core.money import Money, minor_digits

EXTENSION = "jinja2.ext.i18n"


def environment(folder: Path, locale: str) -> Environment:
    """An environment over the templates in `folder`, speaking `locale`.

    Everything but plain text (`*.txt.jinja`) is escaped. The i18n block trims its white space, as
    `babel.cfg` does when it collects the messages.
    """
    built = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(disabled_extensions=("txt.jinja",), default=True),
        undefined=StrictUndefined,
        extensions=[EXTENSION],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    built.policies["ext.i18n.trimmed"] = True
    # Added by the extension at run time, so unknown to Jinja's own annotations.
    built.install_gettext_translations(languages.translations(locale), newstyle=True)  # type: ignore[attr-defined]
    built.globals |= {"locale": locale, "direction": languages.direction(locale)}
    built.filters |= _figures(locale) | _words(locale)
    return built


def _figures(locale: str) -> dict[str, object]:
    def number(value: int) -> str:
        return languages.number(value, locale)

    def money(value: Money) -> str:
        return languages.with_sign(value.format_short(languages.cldr(locale)), value.currency, locale)

    def whole(value: Money) -> str:
        """A total without its pence, never rounded up to what has not been given."""
        unit = 10 ** minor_digits(value.currency)
        return money(Money(value.amount_minor // unit * unit, value.currency))

    def sign(currency: str) -> str:
        return languages.currency_sign(currency, locale)

    return {"number": number, "money": money, "whole": whole, "sign": sign}


def _words(locale: str) -> dict[str, object]:
    def day(value: date | datetime) -> str:
        return languages.day(value, locale)

    def from_now(value: timedelta | int) -> str:
        return languages.from_now(value, locale)

    def listing(values: Iterable[object]) -> str:
        return languages.listing([str(value) for value in values], locale)

    def country(code: str) -> str:
        return languages.country_name(code, locale)

    def lang(text: Text) -> Markup:
        """The attributes that say so where the words are not in the page's language (WCAG 3.1.2)."""
        if text.locale == locale:
            return Markup("")
        return Markup(' lang="{}" dir="{}"').format(text.locale, languages.direction(text.locale))

    return {"day": day, "from_now": from_now, "listing": listing, "country": country, "lang": lang}
