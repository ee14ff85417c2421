"""Published campaigns with their petitions and appeals."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api.v1.caching import cached
from app.api.v1.shapes import Output, Slug
from app.campaigns.models import Campaign
from app.campaigns.published import find_campaign, list_campaigns
from app.donations.appeals import list_appeals
from app.http.context import Session
from app.petitions.published import list_petitions

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


class PetitionLine(Output):
    """A petition in a campaign."""

    slug: str
    title: dict[str, str]
    state: str
    count: int


class AppealLine(Output):
    """An appeal in a campaign."""

    slug: str
    title: dict[str, str]
    state: str
    currency: str


class CampaignLine(Output):
    """A campaign in the list."""

    slug: str
    title: dict[str, str] = Field(description="By language.")
    summary: dict[str, str]
    publisher: str
    is_demo: bool


class CampaignAnswer(CampaignLine):
    """A campaign with all that belongs to it."""

    story: dict[str, str] = Field(description="Markdown by language.")
    data_controller: str
    contact_email: str
    locales: list[str]
    petitions: list[PetitionLine]
    appeals: list[AppealLine]


class CampaignList(Output):
    """Published campaigns, newest first, at most 100."""

    campaigns: list[CampaignLine]


@router.get("", summary="List campaigns")
async def read_campaigns(request: Request, session: Session) -> Response:
    """Every published campaign."""
    lines = [CampaignLine.model_validate(_line(c)) for c in await list_campaigns(session)]
    return cached(request, CampaignList(campaigns=lines))


@router.get("/{slug}", summary="Read a campaign")
async def read_campaign(slug: Slug, request: Request, session: Session) -> Response:
    """One campaign with its petitions and appeals."""
    campaign = await find_campaign(session, slug)
    petitions = await list_petitions(session, campaign.id)
    appeals = await list_appeals(session, campaign.id)
    answer = CampaignAnswer.model_validate(
        {
            **_line(campaign),
            "story": campaign.story,
            "data_controller": campaign.data_controller,
            "contact_email": campaign.contact_email,
            "locales": campaign.locales,
            "petitions": [
                PetitionLine(slug=p.slug, title=version.title, state=p.state, count=count)
                for p, version, count in petitions
            ],
            "appeals": [
                AppealLine(slug=a.slug, title=a.title, state=a.state, currency=a.currency) for a in appeals
            ],
        }
    )
    return cached(request, answer)


def _line(campaign: Campaign) -> dict[str, object]:
    return {
        "slug": campaign.slug,
        "title": campaign.title,
        "summary": campaign.summary,
        "publisher": campaign.publisher,
        "is_demo": campaign.is_demo,
    }
