"""Placements are registered as they are first seen, so that a newsroom need not announce an article."""

import re
from collections.abc import Collection

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.errors import PlacementInvalid
from app.campaigns.models import Placement

MOST_PER_CAMPAIGN = 2_000
OTHER = "other"
"""Where placements beyond the limit are counted: a stranger cannot fill the table with made-up names."""

_SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")


def clean_placement(value: str | None) -> str | None:
    """A placement, or None for none. Raises PlacementInvalid."""
    if not value:
        return None
    if _SLUG.fullmatch(value) is None:
        raise PlacementInvalid(field="placement")
    return value


async def register_placements(
    session: AsyncSession, seen: Collection[tuple[int, str]]
) -> dict[tuple[int, str], Placement]:
    """The placements of (campaign id, slug) pairs, made where they are new."""
    if not seen:
        return {}
    known = await _known(session, seen)
    missing = sorted(set(seen) - set(known))
    if missing:
        full = await _full_campaigns(session, {campaign for campaign, _ in missing})
        rows = {(campaign, OTHER if campaign in full else slug) for campaign, slug in missing}
        values = [{"campaign_id": campaign, "slug": slug} for campaign, slug in sorted(rows)]
        await session.execute(insert(Placement).values(values).on_conflict_do_nothing())
        made = await _known(session, rows)
        known |= {pair: made.get(pair) or made[pair[0], OTHER] for pair in missing}
    return known


async def _known(
    session: AsyncSession, pairs: Collection[tuple[int, str]]
) -> dict[tuple[int, str], Placement]:
    query = select(Placement).where(tuple_(Placement.campaign_id, Placement.slug).in_(pairs))
    return {(p.campaign_id, p.slug): p for p in await session.scalars(query)}


async def _full_campaigns(session: AsyncSession, campaigns: Collection[int]) -> set[int]:
    query = (
        select(Placement.campaign_id)
        .where(Placement.campaign_id.in_(campaigns))
        .group_by(Placement.campaign_id)
        .having(func.count() >= MOST_PER_CAMPAIGN)
    )
    return set(await session.scalars(query))
