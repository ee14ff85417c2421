"""What an appeal has raised: read from the ledger and from nowhere else."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.money import Money


@dataclass(frozen=True, slots=True)
class Total:
    """One appeal's money in one currency; `net` is what was raised less what was refunded."""

    raised: Money
    refunded: Money
    net: Money


async def appeal_totals(session: AsyncSession, appeal_id: int) -> dict[str, Total]:
    """An appeal's totals by currency; a currency in which nothing moved is absent."""
    query = text(
        "select currency, raised_minor, refunded_minor, net_minor from appeal_totals "
        "where appeal_id = :appeal_id order by currency"
    )
    return {
        row.currency: Total(
            raised=Money(row.raised_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
            net=Money(row.net_minor, row.currency),
        )
        for row in await session.execute(query, {"appeal_id": appeal_id})
    }
