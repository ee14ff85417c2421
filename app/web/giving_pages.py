"""`/appeals/{slug}` and `/donations/{token}`: give, look once more, pay at Stripe's, come back."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.core.errors import AppError, InvalidFields
from app.core.languages import pick_text, supported
from app.core.money import InvalidAmount, Money, parse_major
from app.donations.appeals import PublishedAppeal
from app.donations.errors import AppealClosed, PaymentUnavailable
from app.donations.gift import Gift, check_answers
from app.donations.returning import NEVER_OPENED, Standing, ask_standing, read_by_token
from app.donations.returning import DonationView as Donation
from app.http.client import client_network
from app.http.context import Public, PublicRole
from app.http.problems import problem_of
from app.web.describing import beneficiaries_of, give_form, receivers_of, takings_of, terms_of
from app.web.pages import NO_STORE, Asked, Slug, asked, frame, read_form, show, whole_number
from app.web.views.frame import FieldError, Wording
from app.web.views.giving import AppealView, DonationState, DonationView, GiveForm, ReviewView

router = APIRouter(include_in_schema=False)
_TYPED = 500
_LIMITS = {"amount_too_small": "minimum", "amount_too_large": "maximum"}


@router.get("/appeals/{slug}")
async def appeal_page(slug: Slug, request: Request, role: Public) -> Response:
    """The appeal with its form; `?currency=` chooses another of its currencies."""
    appeal = await role.appeals.get(slug)
    form = give_form(appeal, currency=request.query_params.get("currency"))
    return show(_appeal_view(request, role, appeal, form), role)


@router.post("/appeals/{slug}")
async def give(slug: Slug, request: Request, role: Public) -> Response:
    """Take the form. Only a button that named this very amount leads to the payment page."""
    answers = await read_form(request)
    appeal = await role.appeals.get(slug)
    reader = asked(request, appeal.campaign)
    form = _typed(appeal, answers)
    try:
        amount = _amount(answers, form, reader.locale)
        form = replace(form, chosen=amount)
        gift = _gift(answers, form, reader, amount)
        if "edit" in answers:
            return show(_appeal_view(request, role, appeal, form), role)
        if answers.get("agreed") != form.agreed:
            # Mistakes are said before the last look, not after it.
            check_answers(gift)
            return show(_review_view(reader, role, appeal, form, amount), role)
        started = await role.giving.start(gift, caller=client_network(request))
    except InvalidFields as error:
        return _again(request, role, appeal, form, error.errors, error)
    except PaymentUnavailable:
        raise
    except AppError as error:
        return _again(request, role, appeal, form, (error,), error)
    target = started.checkout_url or f"/donations/{started.token}"
    return RedirectResponse(target, 303, headers={"Cache-Control": NO_STORE})


@router.get("/donations/{token}")
async def donation_page(token: str, request: Request, role: Public) -> Response:
    """The true state of a gift; refreshes itself until it is known."""
    async with role.database.begin() as session:
        donation = await read_by_token(session, token)
    standing = (await ask_standing(role.gateway, donation)).standing
    appeal = await role.appeals.get(donation.appeal_slug)
    reader = asked(request, appeal.campaign)
    if reader.chosen_locale is None and (own := supported(donation.locale)):
        reader = replace(reader, locale=own)
    state = _state(donation, standing)
    form = None
    if standing in (Standing.OPEN, Standing.NOT_CHARGED) and appeal.is_open:
        form = give_form(
            appeal,
            currency=donation.amount.currency,
            chosen=donation.amount,
            email=donation.email or "",
            name=donation.name or "",
        )
    view = DonationView(
        page=frame(reader, role, appeal.campaign, private=True),
        token=token,
        state=state,
        appeal_slug=appeal.slug,
        appeal_title=reader.text(appeal.title),
        amount=donation.amount,
        reference=donation.reference,
        # A gift keeps what it was given under; one that is yet to be given comes under what is in force.
        beneficiaries=beneficiaries_of(appeal) if form else receivers_of(donation.receivers),
        terms=terms_of(appeal, reader.locale) if form else _agreed_terms(donation, reader.locale),
        campaign_slug=appeal.campaign.slug,
        contact_email=appeal.campaign.contact_email,
        donated_at=donation.settled_at,
        refunded=donation.refunded if donation.refunded.amount_minor else None,
        form=form,
    )
    return show(view, role)


def _state(donation: Donation, standing: Standing) -> DonationState:
    if standing is Standing.CHARGED:
        return _charged_state(donation)
    if standing is Standing.RECORDING:
        return "checking"
    if standing is Standing.OPEN:
        return "cancelled"
    if standing is Standing.NOT_CHARGED:
        if donation.failure_code in NEVER_OPENED:
            return "not_opened"
        return "declined" if donation.failure_code else "expired"
    return "unknown"


def _charged_state(donation: Donation) -> DonationState:
    if donation.state == "disputed":
        return "disputed"
    if donation.state == "dispute_lost":
        return "dispute_lost"
    return "refunded" if donation.refunded.amount_minor else "succeeded"


def _agreed_terms(donation: Donation, locale: str) -> Wording:
    return Wording(donation.terms_version, pick_text(donation.terms, locale))


def _typed(appeal: PublishedAppeal, answers: dict[str, str]) -> GiveForm:
    return give_form(
        appeal,
        currency=answers.get("currency"),
        other_amount=answers.get("other_amount", "").strip()[:_TYPED],
        email=answers.get("email", "").strip()[:_TYPED],
        name=answers.get("name", "").strip()[:_TYPED],
    )


def _amount(answers: dict[str, str], form: GiveForm, locale: str) -> Money:
    """The own amount if there is one, else the suggestion. Raises InvalidAmount."""
    if form.other_amount:
        return parse_major(form.other_amount, form.currency, locale)
    chosen = whole_number(answers.get("amount"))
    if chosen is None:
        raise AmountMissing(field="amount")
    return Money(chosen, form.currency)


class AmountMissing(InvalidAmount):
    """Neither a suggestion nor an own amount was chosen."""

    code = "amount_missing"
    detail = "Choose an amount or enter your own."


def _gift(answers: dict[str, str], form: GiveForm, reader: Asked, amount: Money) -> Gift:
    return Gift(
        appeal_slug=form.slug,
        amount=amount,
        email=form.email,
        wording_version=whole_number(answers.get("terms")),
        name=form.name or None,
        locale=reader.locale,
        placement=reader.placement,
    )


def _again(
    request: Request,
    role: PublicRole,
    appeal: PublishedAppeal,
    form: GiveForm,
    errors: tuple[AppError, ...],
    cause: AppError,
) -> Response:
    """The form once more, with all that was typed and what to mend."""
    mistakes = tuple(
        FieldError(
            e.field or "",
            e.code,
            getattr(form, _LIMITS[e.code]) if e.code in _LIMITS else None,
        )
        for e in errors
    )
    shown = replace(form, errors=mistakes)
    problem = problem_of(cause)
    response = show(
        _appeal_view(request, role, appeal, None if isinstance(cause, AppealClosed) else shown),
        role,
        status=problem.status,
    )
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def _appeal_view(
    request: Request, role: PublicRole, appeal: PublishedAppeal, form: GiveForm | None
) -> AppealView:
    reader = asked(request, appeal.campaign)
    return AppealView(
        page=frame(reader, role, appeal.campaign),
        slug=appeal.slug,
        title=reader.text(appeal.title),
        summary=reader.text(appeal.campaign.summary),
        body=reader.text(appeal.story),
        campaign_slug=appeal.campaign.slug,
        campaign_title=reader.text(appeal.campaign.title),
        takings=takings_of(appeal),
        beneficiaries=beneficiaries_of(appeal),
        terms=terms_of(appeal, reader.locale),
        form=form if appeal.is_open else None,
        closed_on=appeal.closed_at.date() if appeal.closed_at else None,
    )


def _review_view(
    reader: Asked, role: PublicRole, appeal: PublishedAppeal, form: GiveForm, amount: Money
) -> ReviewView:
    return ReviewView(
        page=frame(reader, role, appeal.campaign, private=True),
        slug=appeal.slug,
        title=reader.text(appeal.title),
        beneficiaries=beneficiaries_of(appeal),
        terms=terms_of(appeal, reader.locale),
        amount=amount,
        form=form,
    )
