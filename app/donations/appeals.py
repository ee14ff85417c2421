"""Appeals as the public sees them, with their totals and with who gets the money now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.campaigns.published import PublishedWording, wordings_in_force
from app.core.held import Held
from app.core.money import Money
from app.donations.errors import AppealNotFound
from app.donations.limits import LIMITS, limits
from app.donations.models import AllocationShare, Appeal, Beneficiary
from app.funds.totals import Total, appeal_totals


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets the money given now, and which part of it: `weight` of the sum of all weights."""

    name: str
    charity_number: str
    url: str
    weight: int


@dataclass(frozen=True, slots=True)
class CurrencyOffer:
    """What can be given in one currency."""

    currency: str
    least: Money
    most: Money
    suggested: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class PublishedAppeal:
    """All that a page or an API answer says about one appeal."""

    id: int
    slug: str
    state: str
    campaign: Campaign
    title: dict[str, str]
    story: dict[str, str]
    target: Money
    raised: Total
    totals: Mapping[str, Total]
    offers: Mapping[str, CurrencyOffer]
    beneficiaries: tuple[Receiver, ...]
    wording: PublishedWording
    opened_at: datetime | None
    closed_at: datetime | None
    read_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it takes donations."""
        return self.state == "open"

    @property
    def currency(self) -> str:
        """The currency of the target, offered first."""
        return self.target.currency


async def read_appeal(session: AsyncSession, slug: str, read_at: datetime) -> PublishedAppeal:
    """One open or closed appeal of a published campaign.

    Raises:
        AppealNotFound: There is none of that name, it is a draft, or it has no terms to agree to.
    """
    query = (
        select(Appeal, Campaign)
        .join(Campaign, Campaign.id == Appeal.campaign_id)
        .where(Appeal.slug == slug, Appeal.state != "draft", Campaign.published_at.is_not(None))
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise AppealNotFound
    appeal, campaign = row
    wording = (await wordings_in_force(session, campaign.id)).get("donation")
    if wording is None:
        raise AppealNotFound
    totals = await appeal_totals(session, appeal.id)
    nothing = Money.zero(appeal.currency)
    return PublishedAppeal(
        id=appeal.id,
        slug=appeal.slug,
        state=appeal.state,
        campaign=campaign,
        title=appeal.title,
        story=appeal.story,
        target=Money(appeal.target_minor, appeal.currency),
        raised=totals.get(appeal.currency, Total(nothing, nothing, nothing)),
        totals=totals,
        offers=_offers(appeal),
        beneficiaries=await receivers_at(session, appeal.id, read_at),
        wording=wording,
        opened_at=appeal.opened_at,
        closed_at=appeal.closed_at,
        read_at=read_at,
    )


def _offers(appeal: Appeal) -> dict[str, CurrencyOffer]:
    """What can be given, the appeal's own currency first."""
    ordered = sorted(set(appeal.currencies) & LIMITS.keys(), key=lambda c: (c != appeal.currency, c))
    offers = {}
    for currency in ordered:
        least, most = limits(currency)
        suggested = tuple(Money(amount, currency) for amount in appeal.suggested_minor.get(currency, []))
        offers[currency] = CurrencyOffer(currency, least, most, suggested)
    return offers


async def receivers_at(session: AsyncSession, appeal_id: int, at: datetime) -> tuple[Receiver, ...]:
    """Who gets what is given at that moment: the shares with the latest start that is not after it."""
    in_force = (
        select(func.max(AllocationShare.starts_at))
        .where(AllocationShare.appeal_id == appeal_id, AllocationShare.starts_at <= at)
        .scalar_subquery()
    )
    query = (
        select(Beneficiary, AllocationShare.weight)
        .join(AllocationShare, AllocationShare.beneficiary_id == Beneficiary.id)
        .where(AllocationShare.appeal_id == appeal_id, AllocationShare.starts_at == in_force)
        .order_by(AllocationShare.weight.desc(), Beneficiary.name)
    )
    return tuple(
        Receiver(b.name, b.charity_number, b.url, weight) for b, weight in await session.execute(query)
    )


async def list_appeals(session: AsyncSession, campaign_id: int) -> list[Appeal]:
    """A campaign's open and closed appeals."""
    query = (
        select(Appeal).where(Appeal.campaign_id == campaign_id, Appeal.state != "draft").order_by(Appeal.id)
    )
    return list(await session.scalars(query.limit(100)))


class PublishedAppeals(Held[PublishedAppeal]):
    """Appeals in memory, for pages and reads, not for giving; raises AppealNotFound where there is none."""

    async def _read(self, session: AsyncSession, slug: str, read_at: datetime) -> PublishedAppeal:
        return await read_appeal(session, slug, read_at)
