"""Signing: the petition and its form, the inbox page, confirming, and a signer's own page."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from app.core.languages import Text
from app.web.views.campaigns import Tally
from app.web.views.frame import Form, View, Wording
from app.web.views.giving import GiveForm

YesNo = Literal["yes", "no", ""]


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction to a petition's text, and the day it was made."""

    text: Text
    made_on: date


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who chose to be shown, and their comment once it is approved."""

    name: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignForm(Form):
    """The answers on the way to a signature, as typed.

    `POST /petitions/{slug}` with `name`, `email`, `country`, `postcode`, `consent` (the wording's version, or
    absent), `updates` (`yes`, `no`), `updates_version`, `website` (must stay empty: only machines fill it)
    and `form_token`; with `altcha`, a solved challenge, where `asks_work` and scripts run.
    """

    name: str = ""
    email: str = ""
    country: str = ""
    postcode: str = ""
    consent: bool = False
    updates: YesNo = ""
    asks_work: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PetitionView(View):
    """`/petitions/{slug}`.

    Attributes:
        summary: One sentence under the title.
        body: The text, in Markdown.
        target: Whom the petition addresses.
        asks: What it asks; locked while it is open.
        form: None when the petition is closed.
        consent: The wording that a signature needs; names who holds the data.
        updates: The wording of the offer of news.
        invalidated: Codes of reasons and how many signatures were found invalid for each.
        likely_countries: Codes offered first in the list, in this order.
        closed_on: The day it closed; None while it is open.
        campaign_slug: For the way back.
    """

    template: ClassVar[str] = "petition.html.jinja"
    slug: str
    title: Text
    summary: Text
    body: Text
    target: Text
    asks: tuple[Text, ...]
    tally: Tally
    campaign_slug: str
    campaign_title: Text
    consent: Wording
    updates: Wording
    form: SignForm | None
    text_version: int = 1
    signers: tuple[Signer, ...] = ()
    corrections: tuple[Correction, ...] = ()
    invalidated: tuple[tuple[str, int], ...] = ()
    likely_countries: tuple[str, ...] = ("GB", "UA")
    closed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView(View):
    """The answer to a signature: the same for everybody.

    The public role keeps nothing that it could show again, so the answers stay in the page's forms, which
    post them to `/petitions/{slug}` once more: with another `email`, or with `again` to have the mail
    repeated.

    Attributes:
        suggestion: The address with the domain that was likely meant, or None.
        days: How long the link in the mail works.
        is_repeat: The mail was asked for once more.
        subject: The mail's subject, where the installation has one of its own.
    """

    template: ClassVar[str] = "inbox.html.jinja"
    slug: str
    form: SignForm
    text_version: int = 1
    consent_version: int
    updates_version: int
    suggestion: str | None = None
    days: int = 7
    is_repeat: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmView(View):
    """`/confirm/{token}` before it is confirmed, or where that cannot be done any more.

    Attributes:
        state: `ready` shows the button, whose POST confirms; the others say what to do instead.
        petition_slug: For signing again; None if the token is unknown.
    """

    template: ClassVar[str] = "confirm.html.jinja"
    token: str
    state: Literal["ready", "expired", "withdrawn", "unknown"]
    petition_slug: str | None = None
    petition_title: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowForm(Form):
    """What a signer offers to show.

    `POST /my/{token}/showing` with `show_name` (`yes`, or absent), `shown_name`, `comment`.
    """

    show_name: bool = False
    shown_name: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedView(View):
    """`/confirm/{token}` afterwards: thanks, and what one may do next, each of it optional.

    Attributes:
        give: Filled in with what is known; None where there is no open appeal.
        comment_limit: Characters that a comment may have.
    """

    template: ClassVar[str] = "confirmed.html.jinja"
    token: str
    petition_slug: str
    petition_title: Text
    tally: Tally
    show: ShowForm
    give: GiveForm | None
    comment_limit: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsForm(Form):
    """What may be corrected: `POST /my/{token}/details` with `name`, `postcode`."""

    name: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What was agreed to or refused, in which words, when."""

    purpose: Literal["signature", "updates"]
    given: bool
    wording: Text
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MyView(View):
    """`/my/{token}`: what is held about a signer, and how to change or end it.

    News is switched by `POST /my/{token}/updates` with `updates` (`yes`, `no`).

    Attributes:
        comment_state: What became of the comment; `none` where there is none.
        saved: What has just been changed, to be said at the top.
    """

    template: ClassVar[str] = "my.html.jinja"
    token: str
    petition_slug: str
    petition_title: Text
    email: str
    country: str
    signed_at: datetime
    confirmed_at: datetime | None
    text_version: int
    wants_updates: bool
    details: DetailsForm
    show: ShowForm
    consents: tuple[ConsentRecord, ...]
    comment_state: Literal["none", "waiting", "shown", "refused"] = "none"
    comment_limit: int = 500
    saved: Literal["details", "showing", "updates"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawView(View):
    """`/my/{token}/withdraw`: asks once more, and afterwards says that it is done."""

    template: ClassVar[str] = "withdraw.html.jinja"
    token: str
    petition_slug: str
    petition_title: Text
    is_done: bool = False
