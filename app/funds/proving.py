"""Prove the book on a live database: what must always hold, and where it does not."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_RULES = {
    "a posting does not sum to zero": """
        select 'posting ' || posting_id from ledger_entries
         group by posting_id, currency having sum(amount_minor) <> 0""",
    "a posting has no entries": """
        select 'posting ' || p.id from ledger_postings p
         where not exists (select from ledger_entries e where e.posting_id = p.id)""",
    "an entry is not in its account's currency": """
        select 'entry ' || e.id from ledger_entries e join ledger_accounts a on a.id = e.account_id
         where a.currency <> e.currency""",
    "more was refunded than was raised": """
        select 'appeal ' || appeal_id || ' ' || currency from appeal_totals where net_minor < 0""",
}


async def broken_rules(session: AsyncSession, most: int = 20) -> list[str]:
    """Every rule of the book that is broken, with up to `most` places each; empty when all is well."""
    broken = []
    for rule, query in _RULES.items():
        places = (await session.scalars(text(f"{query} limit {most}"))).all()
        broken += [f"{rule}: {place}" for place in places]
    return broken
