"""Writing the audit trail: one entry for each act, in the transaction of the act."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import AuditEntry


async def record(
    session: AsyncSession,
    actor: str,
    tag: str,
    subject: str,
    details: Mapping[str, str] | None = None,
) -> None:
    """Add one entry to the trail; it lands if and only if the transaction commits.

    Args:
        session: The unit of work that the act itself happens in.
        actor: Who: `staff:3`, `cli`, `system`, `anonymous`.
        tag: What: `source:subject:action`.
        subject: On what: `staff:3`, `campaign:1`.
        details: Short facts; never a password, an address or anything of a supporter's.
    """
    session.add(AuditEntry(actor=actor, tag=tag, subject=subject, details=dict(details or {})))
    await session.flush()
