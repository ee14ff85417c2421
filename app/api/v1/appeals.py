"""Appeals: read one, give to one."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from app.api.v1.caching import cached
from app.api.v1.donation_schemas import AppealOut, DonationIn, StartedOut
from app.api.v1.shapes import Slug
from app.core.money import Money
from app.donations.errors import ModeNotOffered
from app.donations.gift import Gift
from app.http.client import client_network
from app.http.context import Public

router = APIRouter(tags=["appeals"])


@router.get(
    "/appeals/{slug}",
    summary="Read an appeal",
    response_model=AppealOut,
    responses={304: {"description": "Not modified"}},
)
async def read_one(slug: Slug, role: Public, request: Request) -> Response:
    """An appeal with its figures (from the ledger), beneficiaries, amounts, limits and terms."""
    return cached(request, AppealOut.of(await role.appeals.get(slug)))


@router.post("/appeals/{slug}/donations", status_code=201, summary="Give")
async def give(
    slug: Slug,
    form: DonationIn,
    role: Public,
    request: Request,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same key and body give the same donation for 24 hours; 1 to 255 characters."),
    ] = None,
) -> StartedOut:
    """Start a donation and get the address of Stripe's page, where the donor pays.

    On `payment_outcome_unknown` (503) send the same request with the same Idempotency-Key again, or wait: the
    donor is mailed whether they were charged.
    """
    response.headers["Cache-Control"] = "no-store"
    if form.mode != "checkout":
        raise ModeNotOffered(field="mode")
    gift = Gift(
        appeal_slug=slug,
        amount=Money(form.amount, form.currency),
        email=form.email,
        name=form.name,
        placement=form.placement,
        locale=form.locale,
        frequency=form.frequency,
        wording_version=form.wording_version,
    )
    started = await role.giving.start(gift, caller=client_network(request), idempotency_key=idempotency_key)
    return StartedOut.of(started, role.settings.web.public_url)
