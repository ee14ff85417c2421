"""What every public page route does: find the language, frame the view, answer with the right headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse

from app.campaigns.errors import PlacementInvalid
from app.campaigns.models import Campaign
from app.campaigns.placing import clean_placement
from app.core.errors import NotFound
from app.core.languages import LOCALES, Text, pick_text
from app.http.context import PublicRole
from app.web.languages import chosen, negotiate
from app.web.rendering import STRIPE_CHECKOUT, content_security_policy, render_page
from app.web.views.frame import Page, View

# A CDN may hold a page for seconds; a browser asks again, or whoever just signed would see the old count.
PUBLIC_CACHE = "public, max-age=0, s-maxage=5, stale-while-revalidate=30"
NO_STORE = "no-store"
_DIGITS = 9
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_SLUG = 100


def known_form(slug: str) -> str:
    """A slug of the form that ours have. Raises NotFound for any other: no database need be asked."""
    if len(slug) > _LONGEST_SLUG or not _SLUG.fullmatch(slug):
        raise NotFound
    return slug


Slug = Annotated[str, Depends(known_form)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says about its reader: the language, and the placement they came from."""

    request: Request
    locale: str
    chosen_locale: str | None
    placement: str | None

    def text(self, translated: Mapping[str, str]) -> Text:
        """The words in the reader's language, or the nearest there is."""
        return pick_text(translated, self.locale)


def asked(request: Request, campaign: Campaign | None = None) -> Asked:
    """Read language and placement; a malformed placement is dropped, the page comes all the same."""
    offered = _offered(campaign)
    lang = request.query_params.get("lang")
    try:
        placement = clean_placement(request.query_params.get("placement"))
    except PlacementInvalid:
        placement = None
    return Asked(
        request=request,
        locale=negotiate(lang, request.headers.get("accept-language"), offered, offered[0]),
        chosen_locale=chosen(lang, offered),
        placement=placement,
    )


def language_of(accept_language: str, campaign: Campaign) -> str:
    """The language of a reader who chose none by `?lang=`."""
    return _negotiated(accept_language, _offered(campaign))


def frame(
    reader: Asked, role: PublicRole, campaign: Campaign | None = None, *, private: bool = False
) -> Page:
    """The frame around a page. The answer to a POST offers no other language: that would lose the answers."""
    request = reader.request
    return Page(
        path=request.url.path,
        base_url=role.settings.web.public_url,
        locale=reader.locale,
        chosen_locale=reader.chosen_locale,
        placement=reader.placement,
        languages=_offered(campaign) if request.method in ("GET", "HEAD") else (),
        publisher=campaign.publisher if campaign else "",
        exit_url=role.settings.web.quick_exit_url,
        is_demo=campaign.is_demo if campaign else False,
        is_private=private,
    )


def show(view: View, role: PublicRole, *, status: int = 200, embeddable: bool = False) -> Response:
    """The page with its headers: private ones and answers to forms are never stored anywhere."""
    public = status == 200 and bool(view.page.languages) and not view.page.is_private  # noqa: PLR2004 - 200 is OK
    headers = {
        "Cache-Control": PUBLIC_CACHE if public else NO_STORE,
        "Content-Language": view.page.locale,
        "Vary": "Accept-Language",
        "Content-Security-Policy": content_security_policy(
            payment_pages=payment_pages(role), embeddable=embeddable
        ),
        "Referrer-Policy": "no-referrer" if view.page.is_private else "strict-origin-when-cross-origin",
    }
    return HTMLResponse(render_page(view), status, headers=headers)


def payment_pages(role: PublicRole) -> tuple[str, ...]:
    """Where our forms may lead: Stripe's page, or the simulator's in its place."""
    base = role.settings.stripe.stripe_api_base
    return (base,) if base else (STRIPE_CHECKOUT,)


async def read_form(request: Request) -> dict[str, str]:
    """A form's text fields, the last of each name; files and whatever is beyond thirty fields are refused."""
    async with request.form(max_files=0, max_fields=30) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def whole_number(text: str | None) -> int | None:
    """A whole number as a hidden field holds it, up to nine digits; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


@lru_cache(2_000)
def _negotiated(accept_language: str, offered: tuple[str, ...]) -> str:
    return negotiate(None, accept_language, offered, offered[0])


def _offered(campaign: Campaign | None) -> tuple[str, ...]:
    known = tuple(locale for locale in campaign.locales if locale in LOCALES) if campaign else ()
    return known or LOCALES
