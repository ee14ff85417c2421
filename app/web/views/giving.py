"""Giving: the appeal and its form, the last look before paying, and the way back from the payment page."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from app.core.languages import Text
from app.core.money import Money
from app.web.views.campaigns import Takings
from app.web.views.frame import Beneficiary, Form, View, Wording

DonationState = Literal[
    "checking",
    "succeeded",
    "refunded",
    "disputed",
    "dispute_lost",
    "cancelled",
    "declined",
    "expired",
    "not_opened",
    "unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveForm(Form):
    """A gift on its way: `POST /appeals/{slug}`.

    Fields: `amount` (minor units of a suggestion, or absent), `other_amount` (an own amount as typed, in
    major units; wins if it is filled in), `currency`, `email`, `name`, `terms` (the wording's version),
    `agreed` and `form_token`.

    `agreed` is what the pressed button said ("GBP 2500", else empty). Only if it is the very amount that was
    chosen does the POST go to the payment page; otherwise it answers with `ReviewView`, whose button says it.
    So nobody pays through a button that did not name the amount, with or without JavaScript.

    Attributes:
        suggestions: A few modest amounts of this currency; none is preselected.
        currencies: What else one may give in; the page offers them if there is more than one.
        chosen: The amount that is selected: after an error, a return, or a link with an amount.
        other_amount: The own amount, as typed.
    """

    slug: str
    currency: str
    suggestions: tuple[Money, ...]
    minimum: Money
    maximum: Money
    currencies: tuple[str, ...] = ()
    chosen: Money | None = None
    other_amount: str = ""
    email: str = ""
    name: str = ""
    terms_version: int

    @property
    def agreed(self) -> str:
        """What the button names, for the hidden field."""
        return f"{self.chosen.currency} {self.chosen.amount_minor}" if self.chosen else ""

    @property
    def own_amount(self) -> str:
        """What stands in the field for an own amount, in major units."""
        if self.other_amount or self.chosen is None or self.chosen in self.suggestions:
            return self.other_amount
        return f"{self.chosen.to_major().normalize():f}"

    def is_chosen(self, suggestion: Money) -> bool:
        """Whether that suggestion is the one selected."""
        return not self.own_amount and suggestion == self.chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealView(View):
    """`/appeals/{slug}`.

    Attributes:
        body: The text, in Markdown.
        terms: Fees, surplus, refunds, complaints (Markdown); the donation holds the version.
        form: None when the appeal is closed.
    """

    template: ClassVar[str] = "appeal.html.jinja"
    slug: str
    title: Text
    summary: Text
    body: Text
    campaign_slug: str
    campaign_title: Text
    takings: Takings
    beneficiaries: tuple[Beneficiary, ...]
    terms: Wording
    form: GiveForm | None
    closed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView(View):
    """The last look before the payment page; its form repeats the answers and names the amount."""

    template: ClassVar[str] = "review.html.jinja"
    slug: str
    title: Text
    beneficiaries: tuple[Beneficiary, ...]
    terms: Wording
    amount: Money
    form: GiveForm


@dataclass(frozen=True, slots=True, kw_only=True)
class DonationView(View):
    """`/donations/{token}`: what became of a gift.

    Attributes:
        state: `checking` refreshes itself; `succeeded` has the receipt's facts, and so have `refunded` (all
            or a part), `disputed` (the bank asks for the money back) and `dispute_lost` (it got it);
            `cancelled`, `declined`, `expired` and `not_opened` mean that nothing was charged; `unknown` that
            nobody knows yet, so do not pay again.
        refunded: What went back; None if nothing did.
        beneficiaries: Who received this gift, by the shares in force when it was given; with a form, who
            would receive the next one.
        terms: What this donor agreed to; with a form, what the next gift would be given under.
        form: To try again, filled in, where nothing was charged; None if the appeal is closed.
        reference: What the donor can quote to us.
    """

    template: ClassVar[str] = "donation.html.jinja"
    token: str
    state: DonationState
    appeal_slug: str
    appeal_title: Text
    amount: Money
    reference: str
    beneficiaries: tuple[Beneficiary, ...]
    terms: Wording
    campaign_slug: str
    contact_email: str
    donated_at: datetime | None = None
    refunded: Money | None = None
    form: GiveForm | None = None
    refresh_seconds: int = 3

    @property
    def is_charged(self) -> bool:
        """Whether money was taken, whatever became of it later."""
        return self.state in ("succeeded", "refunded", "disputed", "dispute_lost")
