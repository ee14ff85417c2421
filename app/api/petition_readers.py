"""`/petitions/{slug}.json` and its count: for programs that were written for petition.parliament.uk.

The shape is that of the UK Parliament's petitions site (alphagov/e-petitions), of which this is a subset:
`data` of type `petition` with `attributes`. What Haven has no word for (committee notes, debates, the
government's response, constituencies) is left out. Texts are in the campaign's first language.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pydantic import Field, PlainSerializer

from app.api.v1.caching import cached
from app.api.v1.shapes import Output, Slug
from app.core.languages import DEFAULT_LOCALE, pick_text
from app.http.context import Public, PublicRole
from app.petitions.published import PublishedPetition

router = APIRouter(tags=["petition readers"])


def _as_parliament_writes(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_as_parliament_writes)]


class Attributes(Output):
    """What is known of a petition."""

    action: str = Field(description="The title.")
    background: str = Field(description="What is asked, one ask a line.")
    additional_details: str = Field(description="The text, in Markdown.")
    state: Literal["open", "closed"]
    signature_count: int
    created_at: Moment
    opened_at: Moment | None
    closed_at: Moment | None
    creator_name: str


class Data(Output):
    """The petition."""

    type: Literal["petition"] = "petition"
    id: int
    attributes: Attributes


class Links(Output):
    """Where this is."""

    self: str


class ReaderAnswer(Output):
    """One petition in that shape."""

    links: Links
    data: Data


class ReaderCount(Output):
    """The counter in that shape."""

    signature_count: int


PathSlug = Annotated[Slug, Path()]


@router.get("/petitions/{slug}/count.json", summary="The counter as petition readers expect it")
async def read_count(slug: PathSlug, request: Request, role: Public) -> Response:
    """As `/petitions/{id}/count.json` of the UK Parliament's petitions site."""
    return count_answer(await role.petitions.get(slug), request, role)


@router.get("/petitions/{slug}.json", summary="A petition as petition readers expect it")
async def read_petition(slug: PathSlug, request: Request, role: Public) -> Response:
    """As `/petitions/{id}.json` of the UK Parliament's petitions site, in part."""
    return petition_answer(await role.petitions.get(slug), request, role)


@router.post("/petitions/{slug}.json", include_in_schema=False)
async def refuse_to_change(_slug: Annotated[Slug, Path(alias="slug")]) -> Response:
    """Without this, the page's form would take `….json` for a petition's name."""
    raise HTTPException(405, headers={"Allow": "GET"})


def count_answer(petition: PublishedPetition, request: Request, _role: PublicRole) -> Response:
    """The counter, from memory or by the route."""
    return cached(request, ReaderCount(signature_count=petition.count))


def petition_answer(petition: PublishedPetition, request: Request, role: PublicRole) -> Response:
    """One petition, from memory or by the route."""
    locale = next(iter(petition.campaign.locales), DEFAULT_LOCALE)
    attributes = Attributes(
        action=pick_text(petition.title, locale).value,
        background="\n".join(pick_text(ask, locale).value for ask in petition.asks),
        additional_details=pick_text(petition.body, locale).value,
        state="open" if petition.is_open else "closed",
        signature_count=petition.count,
        created_at=petition.created_at,
        opened_at=petition.opened_at,
        closed_at=petition.closed_at,
        creator_name=petition.campaign.publisher,
    )
    links = Links(self=f"{role.settings.web.public_url}/petitions/{petition.slug}.json")
    return cached(request, ReaderAnswer(links=links, data=Data(id=petition.id, attributes=attributes)))
