"""Comments wait until somebody of the staff has read them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.petitions.models import PublishedSigner


@dataclass(frozen=True, slots=True)
class WaitingComment:
    """A comment that its signer wants shown, and nobody has read yet."""

    signature_id: UUID
    name: str
    comment: str


async def waiting_comments(session: AsyncSession, most: int = 100) -> list[WaitingComment]:
    """Comments to be read, oldest first; not of those who do not count."""
    query = (
        select(PublishedSigner)
        .where(
            PublishedSigner.shown,
            PublishedSigner.comment.is_not(None),
            PublishedSigner.comment_approved_at.is_(None),
        )
        .order_by(PublishedSigner.published_at)
        .limit(most)
    )
    return [WaitingComment(s.signature_id, s.name, s.comment or "") for s in await session.scalars(query)]


async def approve_comment(session: AsyncSession, signature_id: UUID, actor: str) -> bool:
    """Show a comment; False if there is none that waits. A comment that changes waits again."""
    statement = (
        update(PublishedSigner)
        .where(
            PublishedSigner.signature_id == signature_id,
            PublishedSigner.comment.is_not(None),
            PublishedSigner.comment_approved_at.is_(None),
        )
        .values(comment_approved_at=func.now())
        .returning(PublishedSigner.signature_id)
    )
    found = await session.scalar(statement)
    if found is not None:
        await record(session, actor, "petitions:comment:approved", str(signature_id))
    return found is not None
