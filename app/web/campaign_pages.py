"""`/`, `/campaigns/{slug}`, and what newsrooms embed."""

from fastapi import APIRouter, Request, Response

from app.campaigns.published import find_campaign, list_campaigns
from app.donations.appeals import PublishedAppeal, list_appeals
from app.http.context import Public, PublicRole
from app.petitions.published import PublishedPetition, list_petitions
from app.web.assets import asset_response, embed_script
from app.web.describing import appeal_card, petition_card
from app.web.pages import Slug, asked, frame, show
from app.web.views.campaigns import CampaignCard, CampaignView, EmbedView, HomeView

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, role: Public) -> Response:
    """Every published campaign."""
    reader = asked(request)
    async with role.database.begin() as session:
        campaigns = await list_campaigns(session)
    cards = []
    for campaign in campaigns:
        petitions, appeals = await _parts(role, campaign.id)
        cards.append(
            CampaignCard(
                slug=campaign.slug,
                title=reader.text(campaign.title),
                summary=reader.text(campaign.summary),
                signatures=sum(p.count for p in petitions) if petitions else None,
                raised=appeals[0].raised.net if appeals else None,
            )
        )
    return show(HomeView(page=frame(reader, role), campaigns=tuple(cards)), role)


@router.get("/campaigns/{slug}")
async def campaign_page(slug: Slug, request: Request, role: Public) -> Response:
    """The story, what to sign and where to give."""
    async with role.database.begin() as session:
        campaign = await find_campaign(session, slug)
    petitions, appeals = await _parts(role, campaign.id)
    reader = asked(request, campaign)
    view = CampaignView(
        page=frame(reader, role, campaign),
        slug=campaign.slug,
        title=reader.text(campaign.title),
        summary=reader.text(campaign.summary),
        story=reader.text(campaign.story),
        petitions=tuple(petition_card(p, reader) for p in petitions),
        appeals=tuple(appeal_card(a, reader) for a in appeals),
    )
    return show(view, role)


@router.get("/embed/{slug}")
async def embed(slug: Slug, request: Request, role: Public) -> Response:
    """A campaign's first petition and appeal, for an article's frame."""
    async with role.database.begin() as session:
        campaign = await find_campaign(session, slug)
    petitions, appeals = await _parts(role, campaign.id)
    reader = asked(request, campaign)
    view = EmbedView(
        page=frame(reader, role, campaign),
        slug=campaign.slug,
        title=reader.text(campaign.title),
        petition=petition_card(petitions[0], reader) if petitions else None,
        appeal=appeal_card(appeals[0], reader) if appeals else None,
    )
    response = show(view, role, embeddable=True)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@router.get("/embed.js")
async def embed_js(request: Request) -> Response:
    """The script that newsrooms paste."""
    return embed_script(request.headers.get("accept-encoding", ""), request.headers.get("if-none-match", ""))


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Style sheets, scripts and icons, addressed by content."""
    found = asset_response(f"/static/{name}", request.headers.get("accept-encoding", ""))
    return found or Response(status_code=404, headers={"Cache-Control": "no-store"})


@router.get("/robots.txt")
async def robots() -> Response:
    """Search engines may read what is public; links with tokens are nobody's."""
    lines = ["User-agent: *", *(f"Disallow: /{p}/" for p in ("my", "confirm", "donations", "api"))]
    return Response("\n".join(lines) + "\n", media_type="text/plain")


async def _parts(role: PublicRole, campaign_id: int) -> tuple[list[PublishedPetition], list[PublishedAppeal]]:
    async with role.database.begin() as session:
        petitions = [p.slug for p, _, _ in await list_petitions(session, campaign_id)]
        appeals = [a.slug for a in await list_appeals(session, campaign_id)]
    return [await role.petitions.get(s) for s in petitions], [await role.appeals.get(s) for s in appeals]
