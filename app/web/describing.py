"""From what is published to what cards and pages show."""

from collections.abc import Iterable

from app.core.languages import pick_text
from app.core.money import Money
from app.donations.appeals import PublishedAppeal, Receiver
from app.petitions.published import PublishedPetition
from app.web.pages import Asked
from app.web.views.campaigns import AppealCard, CarriedOver, PetitionCard, Takings, Tally
from app.web.views.frame import Beneficiary, FieldError, Wording
from app.web.views.giving import GiveForm


def tally_of(petition: PublishedPetition, reader: Asked) -> Tally:
    """How a petition stands; what was gathered elsewhere stays apart."""
    carried = None
    if petition.carried_over_count:
        carried = CarriedOver(petition.carried_over_count, reader.text(petition.carried_over_note))
    milestone = petition.next_milestone
    return Tally(
        count=petition.count,
        goal=petition.goal,
        next_milestone=milestone if milestone < petition.goal else None,
        carried_over=carried,
    )


def petition_card(petition: PublishedPetition, reader: Asked) -> PetitionCard:
    """A petition in a list."""
    return PetitionCard(
        slug=petition.slug,
        title=reader.text(petition.title),
        target=reader.text(petition.target),
        tally=tally_of(petition, reader),
        is_open=petition.is_open,
    )


def takings_of(appeal: PublishedAppeal) -> Takings:
    """How an appeal stands, by the ledger, in its own currency."""
    return Takings(raised=appeal.raised.net, target=appeal.target if appeal.target.amount_minor else None)


def appeal_card(appeal: PublishedAppeal, reader: Asked) -> AppealCard:
    """An appeal in a list."""
    return AppealCard(
        slug=appeal.slug,
        title=reader.text(appeal.title),
        summary=reader.text(appeal.campaign.summary),
        takings=takings_of(appeal),
        is_open=appeal.is_open,
    )


def terms_of(appeal: PublishedAppeal, locale: str) -> Wording:
    """What a donor agrees to now."""
    return Wording(appeal.wording.version, pick_text(appeal.wording.text, locale))


def beneficiaries_of(appeal: PublishedAppeal) -> tuple[Beneficiary, ...]:
    """Who receives what is given now."""
    return receivers_of(appeal.beneficiaries)


def receivers_of(receivers: Iterable[Receiver]) -> tuple[Beneficiary, ...]:
    """Charities as pages show them."""
    return tuple(Beneficiary(r.name, r.charity_number, r.url) for r in receivers)


def give_form(
    appeal: PublishedAppeal,
    *,
    currency: str | None = None,
    chosen: Money | None = None,
    other_amount: str = "",
    email: str = "",
    name: str = "",
    errors: tuple[FieldError, ...] = (),
) -> GiveForm:
    """The form of an open appeal in one of its currencies, with what is known filled in."""
    offer = appeal.offers.get(currency or appeal.currency) or appeal.offers[appeal.currency]
    return GiveForm(
        slug=appeal.slug,
        currency=offer.currency,
        currencies=tuple(appeal.offers),
        suggestions=offer.suggested,
        minimum=offer.least,
        maximum=offer.most,
        chosen=chosen,
        other_amount=other_amount,
        email=email,
        name=name,
        terms_version=appeal.wording.version,
        errors=errors,
    )
