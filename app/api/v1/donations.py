"""Donations: what became of one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.v1.donation_schemas import DonationOut
from app.donations.errors import DonationNotFound
from app.donations.returning import read_by_token
from app.http.context import Session

router = APIRouter(tags=["donations"])

_bearer = HTTPBearer(
    auto_error=False, scheme_name="donation_token", description="The token that starting it gave."
)


@router.get("/donations/{donation_id}", summary="Read a donation")
async def read_one(
    donation_id: UUID,
    session: Session,
    response: Response,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> DonationOut:
    """A donation, with its token as bearer. Without it, or with another's, there is nothing here."""
    response.headers["Cache-Control"] = "no-store"
    if bearer is None:
        raise DonationNotFound
    view = await read_by_token(session, bearer.credentials)
    if view.id != donation_id:
        raise DonationNotFound
    return DonationOut.of(view)
