"""What the API says about appeals and donations. Money is an integer of minor units beside its currency."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.api.v1.shapes import ConsentOffer, Input, LanguageTag, Output
from app.core.money import Money
from app.donations.appeals import PublishedAppeal
from app.donations.giving import StartedDonation
from app.donations.returning import DonationView

MinorUnits = Annotated[int, Field(description="Minor units: pence, cents, whole yen.", examples=[2500])]
CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["GBP"])]
Translations = Annotated[dict[str, str], Field(description="Text by language.", examples=[{"en": "Shelter"}])]
_MOST_MINOR = 10**12


class MoneyOut(Output):
    """An amount of money."""

    amount: MinorUnits
    currency: CurrencyCode

    @classmethod
    def of(cls, money: Money) -> "MoneyOut":
        """From our own."""
        return cls(amount=money.amount_minor, currency=money.currency)


class TotalOut(Output):
    """What came in one currency, from the ledger; `net` is raised less refunded."""

    currency: CurrencyCode
    raised: MinorUnits
    refunded: MinorUnits
    net: MinorUnits


class BeneficiaryOut(Output):
    """Who gets what is given now; `weight` is their part of the sum of all weights."""

    name: str
    charity_number: str
    url: str
    weight: int


class OfferOut(Output):
    """What can be given in one currency."""

    currency: CurrencyCode
    minimum: MinorUnits
    maximum: MinorUnits
    suggested: list[MinorUnits]


class AppealOut(Output):
    """An appeal: text, figures, who receives the money, and what can be given."""

    slug: str
    campaign: str
    state: Literal["open", "closed"]
    title: Translations
    story: Translations
    target: MoneyOut
    raised: MoneyOut
    totals: list[TotalOut]
    beneficiaries: list[BeneficiaryOut]
    offers: list[OfferOut]
    frequencies: list[Literal["once"]]
    modes: list[Literal["checkout"]]
    consents: list[ConsentOffer]

    @classmethod
    def of(cls, appeal: PublishedAppeal) -> "AppealOut":
        """From our own."""
        wording = appeal.wording
        return cls(
            slug=appeal.slug,
            campaign=appeal.campaign.slug,
            state="open" if appeal.is_open else "closed",
            title=appeal.title,
            story=appeal.story,
            target=MoneyOut.of(appeal.target),
            raised=MoneyOut.of(appeal.raised.net),
            totals=[
                TotalOut(
                    currency=currency,
                    raised=total.raised.amount_minor,
                    refunded=total.refunded.amount_minor,
                    net=total.net.amount_minor,
                )
                for currency, total in appeal.totals.items()
            ],
            beneficiaries=[
                BeneficiaryOut(name=b.name, charity_number=b.charity_number, url=b.url, weight=b.weight)
                for b in appeal.beneficiaries
            ],
            offers=[
                OfferOut(
                    currency=offer.currency,
                    minimum=offer.least.amount_minor,
                    maximum=offer.most.amount_minor,
                    suggested=[each.amount_minor for each in offer.suggested],
                )
                for offer in appeal.offers.values()
            ],
            frequencies=["once"],
            modes=["checkout"],
            consents=[
                ConsentOffer(
                    purpose="donation",
                    wording_version=wording.version,
                    text=wording.text,
                    required=wording.required,
                )
            ],
        )


class DonationIn(Input):
    """A donation to start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "amount": 2500,
                    "currency": "GBP",
                    "frequency": "once",
                    "email": "ada@example.org",
                    "name": "Ada",
                    "placement": "article-1",
                    "locale": "en",
                    "wording_version": 1,
                    "mode": "checkout",
                }
            ]
        },
    )

    amount: Annotated[int, Field(ge=1, le=_MOST_MINOR, description="Minor units: 2500 is £25.00.")]
    currency: CurrencyCode
    frequency: Annotated[Literal["once", "monthly"], Field(description="`monthly` is not offered yet.")] = (
        "once"
    )
    email: Annotated[str, Field(max_length=320, description="Where the receipt goes.")]
    name: Annotated[str | None, Field(max_length=400)] = None
    placement: Annotated[str | None, Field(description="Where the call to action stood.")] = None
    locale: LanguageTag = "en"
    wording_version: Annotated[
        int | None,
        Field(
            ge=1,
            le=2**31 - 1,
            description="The version of the terms that the donor was shown, as the appeal says it. "
            "Leaving it out means that the caller has shown the wording in force.",
        ),
    ] = None
    mode: Annotated[
        Literal["checkout", "payment_intent"], Field(description="`payment_intent` is not offered yet.")
    ] = "checkout"


class StartedOut(Output):
    """A donation that was started. Send the donor to `checkout_url`."""

    id: UUID
    status: str
    amount: MinorUnits
    currency: CurrencyCode
    token: Annotated[str, Field(description="Opens `return_url` and `GET /api/v1/donations/{id}`: keep it.")]
    checkout_url: Annotated[str | None, Field(description="Stripe's page; null if nothing is left to pay.")]
    return_url: Annotated[str, Field(description="Where the donor sees what became of the donation.")]

    @classmethod
    def of(cls, started: StartedDonation, public_url: str) -> "StartedOut":
        """From our own."""
        return cls(
            id=started.id,
            status=started.state,
            amount=started.amount.amount_minor,
            currency=started.amount.currency,
            token=started.token,
            checkout_url=started.checkout_url,
            return_url=f"{public_url}/donations/{started.token}",
        )


class DonationOut(Output):
    """What became of a donation."""

    id: UUID
    reference: str
    appeal: str
    status: str
    charged: Annotated[
        bool | None, Field(description="Whether money was taken; null while that is not known.")
    ]
    amount: MinorUnits
    currency: CurrencyCode
    refunded: MinorUnits
    frequency: str
    failure_code: Annotated[str | None, Field(description="Why the last attempt was declined.")]
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, view: DonationView) -> "DonationOut":
        """From our own; without name and address, which the caller knows."""
        return cls(
            id=view.id,
            reference=view.reference,
            appeal=view.appeal_slug,
            status=view.state,
            charged=view.is_charged,
            amount=view.amount.amount_minor,
            currency=view.amount.currency,
            refunded=view.refunded.amount_minor,
            frequency=view.frequency,
            failure_code=view.failure_code,
            created_at=view.created_at,
            settled_at=view.settled_at,
        )
