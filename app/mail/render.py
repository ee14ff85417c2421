"""From a kind of mail and its values to subject, text and HTML, in the reader's language.

Mails are discreet: a phone may be searched, and a mail that names a campaign or a petition is evidence. The
subject says nothing but what to do, and the text speaks of "a form" of the publisher.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, Template

from app.core.languages import translations
from app.core.templating import environment

TEMPLATES_DIR: Final = Path(__file__).resolve().parent / "templates"

VALUES: Final[Mapping[str, frozenset[str]]] = {
    "confirm_signature": frozenset({"name", "publisher", "link", "expires_at"}),
    "already_signed": frozenset({"name", "publisher", "manage_link"}),
    "mailbox_full": frozenset({"name", "publisher", "manage_link"}),
    "donation_receipt": frozenset(
        {"name", "publisher", "amount", "beneficiaries", "donated_at", "reference", "link", "terms"}
    ),
    "fraud_watch": frozenset({"name", "publisher", "link", "lines"}),
    "donation_failed": frozenset({"name", "publisher", "amount", "reference", "link"}),
}
"""Each kind of mail and what it needs: times are aware, `amount` is Money, `beneficiaries` are pairs of a
charity's name and number, `lines` say what trends, `terms` is Markdown; `name` may be empty."""

# Whoever types a web address as a name wants us to mail it to a stranger.
_ADDRESS_LIKE = re.compile(r"://|www\.|[@/\\<>]|\.[a-z]{2,}\b", re.IGNORECASE)
_MAX_GREETED = 80
_EMPHASIS = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's three parts; the subject is one line."""

    subject: str
    text: str
    html: str


def render(kind: str, locale: str, values: Mapping[str, object]) -> RenderedMail:
    """The mail of that kind.

    Raises:
        KeyError: there is no such kind, or no such language.
        ValueError: a value is missing or is none of this mail's.
    """
    if values.keys() != VALUES[kind]:
        raise ValueError(f"{kind} needs {sorted(VALUES[kind])}")
    mails = _environment(locale)
    plain = mails.get_template(f"{kind}.txt.jinja")
    shown = {**values, "greeting": _greeting(str(values["name"]), locale)}
    subject = _block(plain, "subject", shown)
    html = mails.get_template(f"{kind}.html.jinja").render(**shown, subject=subject)
    return RenderedMail(subject=subject, text=_block(plain, "body", shown) + "\n", html=html)


@cache
def _environment(locale: str) -> Environment:
    built = environment(TEMPLATES_DIR, locale)
    built.filters |= {"plain": _plain}
    return built


def _block(template: Template, name: str, values: dict[str, object]) -> str:
    context = template.new_context(values)
    return "".join(template.blocks[name](context)).strip()


def _greeting(name: str, locale: str) -> str:
    known = translations(locale)
    if not name or len(name) > _MAX_GREETED or _ADDRESS_LIKE.search(name):
        return known.gettext("Hello,")
    return known.gettext("Hello %(name)s,") % {"name": name}


def _plain(markdown: str) -> str:
    """Markdown as one reads it without rendering: links as "words (address)", no marks of emphasis."""
    return _EMPHASIS.sub("", _LINK.sub(r"\1 (\2)", markdown)).strip()
