"""Petitions as the public sees them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.campaigns.published import PublishedWording, wordings_in_force
from app.petitions.abuse_models import InvalidationCount
from app.petitions.errors import PetitionNotFound
from app.petitions.models import Petition, PetitionCount, PublishedSigner, TextVersion

MILESTONES = (100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 150_000, 200_000, 250_000)
_STEP = 50_000
MOST_SHOWN = 12
"""How many of those who chose to be shown stand beside a petition."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A change to the text of an open petition, shown beside it."""

    text: dict[str, str]
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ShownSigner:
    """Somebody who chose to be shown; the comment only once it is approved."""

    name: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Invalidated:
    """How many signatures are invalidated for one reason; `counted` of them were in the count before."""

    reason: str
    signatures: int
    counted: int


@dataclass(frozen=True, slots=True)
class PublishedPetition:
    """All that a page or an API answer says about one petition.

    Attributes:
        text_versions: The ids of all versions by their number.
        shown_signers: The latest who chose to be shown.
        invalidated: What staff took out and has not come back, by reason.
    """

    id: int
    slug: str
    state: str
    campaign: Campaign
    text_version_id: int
    text_version: int
    text_versions: dict[int, int]
    title: dict[str, str]
    body: dict[str, str]
    asks: list[dict[str, str]]
    target: dict[str, str]
    goal: int
    count: int
    carried_over_count: int
    carried_over_note: dict[str, str]
    corrections: tuple[Correction, ...]
    shown_signers: tuple[ShownSigner, ...]
    invalidated: tuple[Invalidated, ...]
    wordings: dict[str, PublishedWording]
    created_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    read_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it takes signatures."""
        return self.state == "open"

    @property
    def next_milestone(self) -> int:
        """The next round number that the count has not reached."""
        return next_milestone(self.count)


def next_milestone(count: int) -> int:
    """The smallest milestone above a count: listed ones first, then every 50,000."""
    return next((m for m in MILESTONES if m > count), (count // _STEP + 1) * _STEP)


async def read_petition(
    session: AsyncSession, slug: str, read_at: datetime, most_shown: int = MOST_SHOWN
) -> PublishedPetition:
    """One open or closed petition of a published campaign, with so many of its recent signers.

    Raises:
        PetitionNotFound: There is none of that name, or it is a draft.
    """
    query = (
        select(Petition, Campaign, PetitionCount.counted)
        .join(Campaign, Campaign.id == Petition.campaign_id)
        .outerjoin(PetitionCount, PetitionCount.petition_id == Petition.id)
        .where(Petition.slug == slug, Petition.state != "draft", Campaign.published_at.is_not(None))
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise PetitionNotFound
    petition, campaign, counted = row
    versions = await _versions(session, petition.id)
    current = versions[-1]
    return PublishedPetition(
        id=petition.id,
        slug=petition.slug,
        state=petition.state,
        campaign=campaign,
        text_version_id=current.id,
        text_version=current.number,
        text_versions={v.number: v.id for v in versions},
        title=current.title,
        body=current.body,
        asks=current.asks,
        target=petition.target,
        goal=petition.goal,
        count=counted or 0,
        carried_over_count=petition.carried_over_count,
        carried_over_note=petition.carried_over_note,
        shown_signers=await recent_signers(session, petition.id, most_shown) if most_shown else (),
        invalidated=await read_invalidated(session, petition.id),
        corrections=tuple(Correction(v.correction, v.published_at) for v in versions if v.correction),
        wordings=await wordings_in_force(session, campaign.id),
        created_at=petition.created_at,
        opened_at=petition.opened_at,
        closed_at=petition.closed_at,
        read_at=read_at,
    )


async def _versions(session: AsyncSession, petition_id: int) -> list[TextVersion]:
    """Every version of the text, the present one last. Raises PetitionNotFound for a petition without any."""
    query = select(TextVersion).where(TextVersion.petition_id == petition_id).order_by(TextVersion.number)
    versions = list(await session.scalars(query))
    if not versions:
        raise PetitionNotFound
    return versions


async def list_petitions(session: AsyncSession, campaign_id: int) -> list[tuple[Petition, TextVersion, int]]:
    """A campaign's open and closed petitions with their current text and count."""
    query = (
        select(Petition, TextVersion, PetitionCount.counted)
        .join(TextVersion, TextVersion.petition_id == Petition.id)
        .outerjoin(PetitionCount, PetitionCount.petition_id == Petition.id)
        .where(Petition.campaign_id == campaign_id, Petition.state != "draft")
        .ext(distinct_on(Petition.id))
        .order_by(Petition.id, TextVersion.number.desc())
        .limit(100)
    )
    return [(petition, version, counted or 0) for petition, version, counted in await session.execute(query)]


async def recent_signers(
    session: AsyncSession, petition_id: int, most: int = MOST_SHOWN
) -> tuple[ShownSigner, ...]:
    """Those who chose to be shown and count, newest first."""
    query = (
        select(PublishedSigner)
        .where(PublishedSigner.petition_id == petition_id, PublishedSigner.shown)
        .order_by(PublishedSigner.published_at.desc())
        .limit(most)
    )
    return tuple(
        ShownSigner(s.name, s.comment if s.comment_approved_at else None)
        for s in await session.scalars(query)
    )


async def read_invalidated(session: AsyncSession, petition_id: int) -> tuple[Invalidated, ...]:
    """Invalidated signatures by reason, in the order of the codes; from counters, never from rows."""
    query = (
        select(InvalidationCount)
        .where(InvalidationCount.petition_id == petition_id, InvalidationCount.signatures > 0)
        .order_by(InvalidationCount.reason)
    )
    return tuple(Invalidated(i.reason, i.signatures, i.counted) for i in await session.scalars(query))
