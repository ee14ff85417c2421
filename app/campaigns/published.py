"""Campaigns as the public sees them, and the wordings in force."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.errors import CampaignNotFound
from app.campaigns.models import Campaign, Wording


@dataclass(frozen=True, slots=True)
class PublishedWording:
    """The version of a text that people agree to now."""

    id: int
    purpose: str
    version: int
    text: dict[str, str]
    required: bool
    facts: dict[str, str]


async def list_campaigns(session: AsyncSession) -> list[Campaign]:
    """Every published campaign, newest first."""
    query = select(Campaign).where(Campaign.published_at.is_not(None)).order_by(Campaign.published_at.desc())
    return list(await session.scalars(query.limit(100)))


async def find_campaign(session: AsyncSession, slug: str) -> Campaign:
    """A published campaign.

    Raises:
        CampaignNotFound: There is none of that name, or it is not published.
    """
    query = select(Campaign).where(Campaign.slug == slug, Campaign.published_at.is_not(None))
    campaign = await session.scalar(query)
    if campaign is None:
        raise CampaignNotFound
    return campaign


async def wordings_in_force(session: AsyncSession, campaign_id: int) -> dict[str, PublishedWording]:
    """The latest version of each purpose's wording in one campaign."""
    query = (
        select(Wording)
        .where(Wording.campaign_id == campaign_id)
        .ext(distinct_on(Wording.purpose))
        .order_by(Wording.purpose, Wording.version.desc())
    )
    return {
        w.purpose: PublishedWording(w.id, w.purpose, w.version, w.text, w.required, w.facts)
        for w in await session.scalars(query)
    }
