"""From a view to bytes, and the policy that keeps those bytes from loading anything from elsewhere."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from app.core.languages import LANGUAGE_NAMES, Text, countries
from app.core.money import Money, minor_digits
from app.core.templating import environment
from app.web.assets import asset_url
from app.web.markdown import markdown
from app.web.messages import message
from app.web.views.frame import View

TEMPLATES_DIR: Final = Path(__file__).resolve().parent / "templates"

STRIPE_CHECKOUT: Final = "https://checkout.stripe.com"


def render_page(view: View) -> bytes:
    """The page of a view, in the view's own language.

    What somebody typed may hold lone surrogates, which no encoding has; they come back as question marks.
    """
    template = page_environment(view.page.locale).get_template(view.template)
    return template.render(view=view, page=view.page).encode("utf-8", "replace")


@cache
def page_environment(locale: str) -> Environment:
    """The environment for pages in `locale`."""
    built = environment(TEMPLATES_DIR, locale)
    built.globals |= {
        "asset": asset_url,
        "language_names": LANGUAGE_NAMES,
        "country_groups": lambda likely: _country_groups(tuple(likely), locale),
        "message": lambda error: message(error, locale),
    }
    built.filters |= {"markdown": _markdown, "digits": _digits}
    return built


def content_security_policy(
    *, payment_pages: Sequence[str] = (STRIPE_CHECKOUT,), embeddable: bool = False
) -> str:
    """The Content-Security-Policy of every page: ours alone, nothing inline.

    Args:
        payment_pages: Origins that a form may lead to by redirect: Stripe's page or the simulator's.
        embeddable: For `/embed/{slug}`, which any newspaper may frame.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *payment_pages)),
            "frame-ancestors *" if embeddable else "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def _digits(amount: Money) -> int:
    return minor_digits(amount.currency)


def _markdown(text: Text) -> Markup:
    return markdown(text.value)


@cache
def _country_groups(likely: tuple[str, ...], locale: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The likely countries in the order given, then all the others in the order of their names."""
    names = dict(countries(locale))
    first = tuple((code, names[code]) for code in likely if code in names)
    return first, tuple(pair for pair in countries(locale) if pair not in first)
