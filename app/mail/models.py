"""Mail as rows: written in the transaction that causes it, delivered by the worker."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BigId, CreatedAt, MaybeAt, MaybeBytes, MaybeWords, Words
from app.core.db import Base


class Mail(Base):
    """One message to one address. What is personal lies in `payload_sealed`, and goes once delivered."""

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'bounced', 'failed', 'cancelled')",
            name="state_known",
        ),
        Index(
            "ix_mails_due",
            "yields",
            "next_attempt_at",
            "id",
            postgresql_where=text("state in ('queued', 'sending')"),
        ),
        Index("ix_mails_subject_id", "subject_id"),
        Index("ix_mails_undelivered", "ended_at", postgresql_where=text("state in ('bounced', 'failed')")),
        # Each row is written three times within seconds, and then never again.
        {
            "postgresql_with": {
                "autovacuum_vacuum_scale_factor": "0.02",
                "autovacuum_vacuum_threshold": "5000",
                "autovacuum_vacuum_cost_delay": "0",
            }
        },
    )

    id: Mapped[BigId]
    kind: Mapped[Words]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    subject_id: Mapped[UUID | None]
    message_id: Mapped[Words] = mapped_column(unique=True)
    payload_sealed: Mapped[MaybeBytes]
    state: Mapped[Words] = mapped_column(server_default="queued")
    attempts: Mapped[int] = mapped_column(server_default="0")
    yields: Mapped[bool] = mapped_column(server_default=text("false"))
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    last_reply: Mapped[MaybeWords]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[MaybeAt]


class MailAllowance(Base):
    """When an address was last mailed about signing: at most three in six hours, over all petitions."""

    __tablename__ = "mail_allowances"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    queued_at: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default="{}")


class MailCount(Base):
    """How many mails ended so on one day (UTC), of those whose rows are gone."""

    __tablename__ = "mail_counts"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text, primary_key=True)
    mails: Mapped[int]
