"""Which language a reader gets: what they chose, else what their browser says, else the campaign's."""

import re
from collections.abc import Iterator, Sequence

from app.core.languages import DEFAULT_LOCALE, LOCALES, supported

_RANGE = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)
_MAX_RANGES = 20


def negotiate(
    asked: str | None,
    accept_language: str | None,
    offered: Sequence[str] = LOCALES,
    default: str = DEFAULT_LOCALE,
) -> str:
    """The locale for a request.

    Args:
        asked: The value of `?lang=`; wins if it is offered.
        accept_language: The header (RFC 9110 §12.5.4); malformed parts are passed over.
        offered: The campaign's languages.
        default: The campaign's own, where nothing matches.
    """
    for tag in (asked, *_preferred(accept_language or "")):
        locale = supported(tag)
        if locale in offered and locale is not None:
            return locale
    return default


def chosen(asked: str | None, offered: Sequence[str] = LOCALES) -> str | None:
    """The locale that `?lang=` asks for, if it is offered: what links have to keep."""
    locale = supported(asked)
    return locale if locale in offered else None


def _preferred(header: str) -> Iterator[str]:
    """The header's languages, most wanted first; equal weights keep their order."""
    ranges = [_RANGE.fullmatch(part.strip()) for part in header.split(",", _MAX_RANGES)[:_MAX_RANGES]]
    weighted = [(float(found[2] or 1), found[1]) for found in ranges if found]
    for weight, tag in sorted(weighted, key=lambda pair: -pair[0]):
        if weight > 0:
            yield tag
