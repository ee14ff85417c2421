"""What staff and the system did; append-only."""

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BigId, CreatedAt, Words
from app.core.db import Base


class AuditEntry(Base):
    """One act: who (`staff:3`, `cli`, `system`), what (`source:subject:action`), on what.

    No personal data of supporters.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_at", "at"),)

    id: Mapped[BigId]
    at: Mapped[CreatedAt]
    actor: Mapped[Words]
    tag: Mapped[Words]
    subject: Mapped[Words]
    details: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
