"""Petitions and signatures."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api.v1.caching import cached
from app.api.v1.shapes import (
    ConsentAnswer,
    ConsentOffer,
    Email,
    Input,
    LanguageTag,
    Name,
    Output,
    Slug,
    Token,
)
from app.campaigns.published import PublishedWording
from app.core.languages import DEFAULT_LOCALE
from app.core.text import Line
from app.http.context import Public, PublicRole
from app.petitions.breakdowns import Dimension
from app.petitions.published import PublishedPetition

router = APIRouter(tags=["petitions"])


class SignerLine(Output):
    """Somebody who chose to be shown; a comment once it is approved."""

    name: str
    comment: str | None


class InvalidationLine(Output):
    """Signatures that staff found invalid for one reason, and that do not count."""

    reason: str = Field(description="A code: bot, duplicate, false_name, legal, mistake, stolen_identity.")
    signatures: int
    counted: int = Field(description="Those of them that had counted before.")


class PetitionAnswer(Output):
    """One petition: what it asks, of whom, and how many agree."""

    slug: str
    campaign: str
    state: Literal["open", "closed"]
    title: dict[str, str]
    body: dict[str, str] = Field(description="Markdown by language.")
    asks: list[dict[str, str]]
    target: dict[str, str]
    text_version: int
    count: int = Field(description="Confirmed signatures that count now.")
    goal: int
    next_milestone: int
    carried_over_count: int = Field(
        description="Gathered elsewhere, not verified here; never part of `count`."
    )
    carried_over_note: dict[str, str]
    invalidated: list[InvalidationLine] = Field(
        description="Found invalid, by reason, and not part of `count`; what was undone is not in it."
    )
    shown_signers: list[SignerLine] = Field(description="The latest who chose to be shown.")
    consents: list[ConsentOffer] = Field(description="What a signature needs and offers.")
    opened_at: datetime | None
    closed_at: datetime | None
    url: str


class CountAnswer(Output):
    """The counter, as small as it can be."""

    count: int
    as_of: datetime
    goal: int
    next_milestone: int


class BreakdownRow(Output):
    """One value of the dimension."""

    value: str
    count: int


class BreakdownAnswer(Output):
    """Confirmed signatures by one dimension."""

    by: str
    rows: list[BreakdownRow]
    as_of: datetime


class SignatureRequest(Input):
    """A signature to be confirmed by mail."""

    name: Name
    email: Email
    country: Annotated[str, Field(min_length=2, max_length=2, description="ISO 3166-1.", examples=["GB"])]
    postcode: Annotated[str, Line(16, required=False)] | None = Field(None, examples=["N1 9GU"])
    placement: Annotated[str, Field(max_length=64)] | None = Field(None, examples=["front-page"])
    locale: LanguageTag = DEFAULT_LOCALE
    text_version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="The `text_version` that the person read; left out, the present one."
    )
    consents: Annotated[list[ConsentAnswer], Field(max_length=8)] = Field(
        default_factory=list,
        description="An answer to each wording of the petition's `consents`; the required ones need a yes.",
        examples=[[{"purpose": "signature", "wording_version": 1, "given": True}]],
    )
    altcha: Annotated[str, Field(max_length=2_000)] | None = Field(
        None, description="A solved challenge, in ALTCHA's format; needed only when many sign at once."
    )


class ChallengeAnswer(Output):
    """A challenge in ALTCHA's format."""

    algorithm: Literal["SHA-256"]
    challenge: str
    maxnumber: int
    salt: str
    signature: str


class Accepted(Output):
    """The same for a new signer, one who signed before, and one who may not: nobody learns who has signed."""

    status: Literal["check_your_inbox"] = "check_your_inbox"


def offers(wordings: dict[str, PublishedWording], *purposes: str) -> list[ConsentOffer]:
    """The wordings in force for these purposes."""
    return [
        ConsentOffer(purpose=w.purpose, wording_version=w.version, text=w.text, required=w.required)
        for w in (wordings[p] for p in purposes if p in wordings)
    ]


def petition_answer(petition: PublishedPetition, request: Request, role: PublicRole) -> Response:
    """One petition, from memory or by the route."""
    return cached(request, _as_answer(petition, role.settings.web.public_url))


def count_answer(petition: PublishedPetition, request: Request, _role: PublicRole) -> Response:
    """The counter, from memory or by the route."""
    answer = CountAnswer(
        count=petition.count,
        as_of=petition.read_at,
        goal=petition.goal,
        next_milestone=petition.next_milestone,
    )
    return cached(request, answer, ignoring="as_of")


@router.get("/petitions/{slug}", summary="Read a petition")
async def read_petition(slug: Slug, request: Request, role: Public) -> Response:
    """Text, asks, count, and the consents that a signature needs. Cached for seconds; has an ETag."""
    return petition_answer(await role.petitions.get(slug), request, role)


@router.get("/petitions/{slug}/count", summary="Read the counter")
async def read_count(slug: Slug, request: Request, role: Public) -> Response:
    """The number of confirmed signatures. Ask every few seconds; a CDN may hold the answer for five."""
    return count_answer(await role.petitions.get(slug), request, role)


@router.get("/petitions/{slug}/breakdown", summary="Count by country, region, day or placement")
async def breakdown(
    slug: Slug, request: Request, role: Public, by: Annotated[Dimension, Query()]
) -> Response:
    """Confirmed signatures by one dimension, from tallies. Days are those of the campaign's time zone.

    In a surge the answer is the last one that is remembered, with its `Age` in seconds, or 503.
    """
    petition = await role.petitions.get(slug)
    read = await role.breakdowns.read(petition.id, by, petition.campaign.time_zone)
    answer = BreakdownAnswer(
        by=by, rows=[BreakdownRow(value=v, count=n) for v, n in read.rows], as_of=read.as_of
    )
    response = cached(request, answer, ignoring="as_of")
    if read.age:
        response.headers["Age"] = str(read.age)
    return response


@router.get("/petitions/{slug}/challenge", summary="Get a challenge to solve")
async def challenge(slug: Slug, role: Public, response: Response) -> ChallengeAnswer:
    """Find `number` from 0 to `maxnumber` so that SHA-256 of `salt` and `number` is `challenge`.

    Send base64 of JSON with `algorithm`, `challenge`, `number`, `salt` and `signature` as `altcha`, within
    ten minutes and once.
    """
    petition = await role.petitions.get(slug)
    response.headers["Cache-Control"] = "no-store"
    return ChallengeAnswer.model_validate(role.work.issue(petition.id, role.clock.now()))


class ConfirmRequest(Input):
    """The token of the link that was mailed."""

    token: Token


class ConfirmAnswer(Output):
    """The new count, and the signer's own page."""

    status: Literal["confirmed"] = "confirmed"
    petition: str
    count: int
    manage_url: str = Field(description="To see, change or withdraw the signature; no account needed.")


@router.post("/signatures/confirm", summary="Confirm a signature", response_model=ConfirmAnswer)
async def confirm(body: ConfirmRequest, role: Public) -> Response:
    """Confirm by the token from the mail; once or many times, it counts once."""
    petition = await role.petitions.get(await role.signers.confirm(body.token))
    answer = ConfirmAnswer(
        petition=petition.slug,
        count=petition.count,
        manage_url=f"{role.settings.web.public_url}/my/{body.token}",
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _as_answer(petition: PublishedPetition, public_url: str) -> PetitionAnswer:
    return PetitionAnswer(
        slug=petition.slug,
        campaign=petition.campaign.slug,
        state="open" if petition.is_open else "closed",
        title=petition.title,
        body=petition.body,
        asks=petition.asks,
        target=petition.target,
        text_version=petition.text_version,
        count=petition.count,
        goal=petition.goal,
        next_milestone=petition.next_milestone,
        carried_over_count=petition.carried_over_count,
        carried_over_note=petition.carried_over_note,
        invalidated=[
            InvalidationLine(reason=i.reason, signatures=i.signatures, counted=i.counted)
            for i in petition.invalidated
        ],
        shown_signers=[SignerLine(name=s.name, comment=s.comment) for s in petition.shown_signers],
        consents=offers(petition.wordings, "signature", "updates"),
        opened_at=petition.opened_at,
        closed_at=petition.closed_at,
        url=f"{public_url}/petitions/{petition.slug}",
    )
