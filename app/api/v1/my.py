"""A signer's own data, by the token of their link: see, correct, withdraw."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from app.api.v1.shapes import ConsentAnswer, Input, Output
from app.core.text import Line, Paragraphs
from app.http.context import Public, Session
from app.petitions.acting import Wish
from app.petitions.errors import LinkUnknown
from app.petitions.linking import MySignature, read_my_signature
from app.petitions.signing import Answer

router = APIRouter(prefix="/my", tags=["my"])
_bearer = HTTPBearer(auto_error=False, description="The token of the link in the mail.")


async def bearer_token(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The token of the Authorization header. Raises LinkUnknown without one."""
    if credentials is None:
        raise LinkUnknown
    return credentials.credentials


Bearer = Annotated[str, Depends(bearer_token)]


class GivenConsent(Output):
    """The latest answer to one purpose."""

    purpose: str
    wording_version: int
    given: bool
    recorded_at: datetime


class MyAnswer(Output):
    """All that is held; names and addresses are empty once the signature has ended."""

    petition: str
    state: Literal["pending", "confirmed", "withdrawn", "lapsed"]
    name: str
    email: str
    country: str
    postcode: str
    region: str | None = Field(description="Part of the UK, by its ONS code, from the postcode.")
    placement: str | None
    locale: str
    text_version: int = Field(description="The version of the petition's text that was agreed to.")
    shown_name: str | None
    comment: str | None
    comment_approved: bool
    consents: list[GivenConsent]
    signed_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None


class MyChange(Input):
    """What to change; what is left out stays."""

    name: Annotated[str, Line(100)] | None = None
    postcode: Annotated[str, Line(16, required=False)] | None = None
    show_name: Annotated[str, Line(100)] | None = Field(None, description="Shown beside the petition.")
    comment: Annotated[str, Paragraphs(500, required=False)] | None = Field(
        None, description="Shown once staff have approved it; needs `show_name`."
    )
    hide: bool = Field(default=False, description="Show nothing any more.")
    consents: Annotated[list[ConsentAnswer], Field(max_length=8)] = Field(default_factory=list)


@router.get("", summary="See what is held")
async def read(token: Bearer, session: Session, response: Response) -> MyAnswer:
    """Everything that Haven holds about the signature's person."""
    response.headers["Cache-Control"] = "no-store"
    return _as_answer(await read_my_signature(session, token))


@router.patch("", summary="Correct, show, hide", status_code=202)
async def amend(token: Bearer, body: MyChange, role: Public, response: Response) -> MyAnswer:
    """Change the signature's person's data; what is shown in public follows within seconds."""
    response.headers["Cache-Control"] = "no-store"
    return _as_answer(
        await role.signers.change(
            token,
            Wish(
                name=body.name,
                postcode=body.postcode,
                show_name=body.show_name,
                comment=body.comment,
                hide=body.hide,
                answers=[Answer(c.purpose, c.wording_version, given=c.given) for c in body.consents],
            ),
        )
    )


@router.delete("", summary="Withdraw", status_code=204)
async def end(token: Bearer, role: Public) -> None:
    """Withdraw the signature and destroy what is held about its person. One can sign again."""
    await role.signers.withdraw(token)
    await role.petitions.fresh((await role.signers.look(token)).petition_slug)


def _as_answer(mine: MySignature) -> MyAnswer:
    return MyAnswer.model_validate(
        {
            "petition": mine.petition_slug,
            "state": mine.state,
            **{key: mine.details.get(key, "") for key in ("name", "email", "country", "postcode")},
            "region": mine.region,
            "placement": mine.placement,
            "locale": mine.locale,
            "text_version": mine.text_version,
            "shown_name": mine.shown_name,
            "comment": mine.shown_comment,
            "comment_approved": mine.comment_approved,
            "consents": [
                {
                    "purpose": c["purpose"],
                    "wording_version": c["version"],
                    "given": c["given"],
                    "recorded_at": c["recorded_at"],
                }
                for c in mine.consents
            ],
            "signed_at": mine.signed_at,
            "confirmed_at": mine.confirmed_at,
            "ended_at": mine.ended_at,
        }
    )
