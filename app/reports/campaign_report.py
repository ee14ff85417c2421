"""The report of one campaign, and the list of all of them."""

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.errors import CampaignNotFound
from app.campaigns.models import Campaign
from app.core.languages import pick
from app.core.money import Money
from app.reports import queries
from app.reports.figures import (
    Figures,
    Giving,
    Period,
    PlacementFigures,
    Signing,
    Step,
    conversion,
    total,
)
from app.reports.ranges import DateRange

MAX_CAMPAIGNS = 100

_COUNTS = text("""
select p.campaign_id, sum(c.counted)::bigint as counted
  from petitions p join petition_counts c on c.petition_id = p.id
 where p.campaign_id = any(:campaigns) group by 1
""")
_RAISED = text("""
select l.campaign_id, t.currency, sum(t.net_minor)::bigint as net
  from appeals l join appeal_totals t on t.appeal_id = l.id
 where l.campaign_id = any(:campaigns) group by 1, 2 order by 3 desc, 2
""")


@dataclass(frozen=True, slots=True)
class Subject:
    """The campaign that a report is about."""

    id: int
    slug: str
    title: str
    publisher: str
    zone: ZoneInfo
    is_published: bool
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Headline:
    """One line of the list of campaigns: the public count, and what was raised after refunds."""

    subject: Subject
    counted: int
    raised: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Figures of one campaign over a range of days."""

    subject: Subject
    span: DateRange
    today: date
    days: tuple[Period, ...]
    periods: tuple[Period, ...]
    total: Figures
    placements: tuple[PlacementFigures, ...]
    signing_ever: Signing
    donation_states: dict[str, int]
    currencies: tuple[str, ...]

    @property
    def steps(self) -> tuple[Step, Step, Step]:
        """Signed, confirmed, gave."""
        return conversion(self.total)


async def list_campaigns(session: AsyncSession) -> list[Headline]:
    """Every campaign, published or not, newest first."""
    query = select(Campaign).order_by(Campaign.created_at.desc(), Campaign.id.desc()).limit(MAX_CAMPAIGNS)
    campaigns = list(await session.scalars(query))
    asked = {"campaigns": [campaign.id for campaign in campaigns]}
    counted = {row.campaign_id: row.counted for row in await session.execute(_COUNTS, asked)}
    raised: dict[int, list[Money]] = defaultdict(list)
    for campaign_id, currency, net in await session.execute(_RAISED, asked):
        raised[campaign_id].append(Money(net, currency))
    return [Headline(_subject(c), counted.get(c.id, 0), tuple(raised[c.id])) for c in campaigns]


async def find_subject(session: AsyncSession, slug: str) -> Subject:
    """A campaign by its slug, published or not. Raises CampaignNotFound."""
    campaign = await session.scalar(select(Campaign).where(Campaign.slug == slug))
    if campaign is None:
        raise CampaignNotFound
    return _subject(campaign)


async def read_report(
    session: AsyncSession, subject: Subject, span: DateRange, today: date
) -> CampaignReport:
    """Everything that the report of a campaign says about these days."""
    by_day = await queries.figures_by_day(session, subject.id, span, subject.zone)
    days = tuple(Period(DateRange(day, day), by_day.get(day, Figures())) for day in span.days())
    whole = total(by_day.values())
    return CampaignReport(
        subject=subject,
        span=span,
        today=today,
        days=days,
        periods=_grouped(days, span),
        total=whole,
        placements=await _placements(session, subject, span, whole),
        signing_ever=await queries.signing_ever(session, subject.id),
        donation_states=await queries.donations_by_state(session, subject.id, span, subject.zone),
        currencies=await _currencies(session, subject.id, whole),
    )


def _grouped(days: tuple[Period, ...], span: DateRange) -> tuple[Period, ...]:
    remaining = iter(days)
    return tuple(Period(cut, total(next(remaining).figures for _ in cut.days())) for cut in span.periods())


async def _placements(
    session: AsyncSession, subject: Subject, span: DateRange, whole: Figures
) -> tuple[PlacementFigures, ...]:
    """Each placement, and last what came without one, so that the lines add up to the total."""
    found = await queries.figures_by_placement(session, subject.id, span, subject.zone)
    titles = await queries.placement_titles(session, subject.id, list(found))
    listed = [PlacementFigures(slug, titles.get(slug, ""), figures) for slug, figures in found.items()]
    return (*listed, PlacementFigures("", "", _rest(whole, total(found.values()))))


def _rest(whole: Figures, listed: Figures) -> Figures:
    """What no listed placement accounts for; refunds are counted for no placement."""
    signing = Signing(
        *(getattr(whole.signing, f.name) - getattr(listed.signing, f.name) for f in fields(Signing))
    )
    giving = {
        currency: Giving(
            whole.of(currency).donations - listed.of(currency).donations,
            whole.of(currency).given_minor - listed.of(currency).given_minor,
        )
        for currency in whole.giving
    }
    return Figures(signing, giving)


async def _currencies(session: AsyncSession, campaign_id: int, whole: Figures) -> tuple[str, ...]:
    """What was given in, most given first; else the currency of the campaign's first appeal."""
    if whole.giving:
        return tuple(sorted(whole.giving, key=lambda c: (-whole.of(c).donations, c)))
    first = text("select currency from appeals where campaign_id = :campaign order by id limit 1")
    currency = await session.scalar(first, {"campaign": campaign_id})
    return (currency,) if currency else ()


def _subject(campaign: Campaign) -> Subject:
    return Subject(
        id=campaign.id,
        slug=campaign.slug,
        title=pick(campaign.title, "en"),
        publisher=campaign.publisher,
        zone=ZoneInfo(campaign.time_zone),
        is_published=campaign.published_at is not None,
        is_demo=campaign.is_demo,
    )
