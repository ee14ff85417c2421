"""Campaigns, where they are placed, and the wordings that people agree to."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import CreatedAt, MaybeAt, SmallId, Translated, Words
from app.core.db import Base


class Campaign(Base):
    """One cause of the installation's organisation."""

    __tablename__ = "campaigns"
    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_form"),)

    id: Mapped[SmallId]
    slug: Mapped[Words] = mapped_column(unique=True)
    title: Mapped[Translated]
    summary: Mapped[Translated]
    story: Mapped[Translated]
    publisher: Mapped[Words]
    data_controller: Mapped[Words]
    contact_email: Mapped[Words]
    locales: Mapped[list[str]] = mapped_column(ARRAY(Text))
    time_zone: Mapped[Words] = mapped_column(server_default="Europe/London")
    is_demo: Mapped[bool] = mapped_column(server_default="false")
    published_at: Mapped[MaybeAt]
    created_at: Mapped[CreatedAt]


class Placement(Base):
    """Where a call to action stood: an article, a newsletter."""

    __tablename__ = "placements"
    __table_args__ = (
        UniqueConstraint("campaign_id", "slug"),
        CheckConstraint("slug ~ '^[A-Za-z0-9_-]{1,64}$'", name="slug_form"),
    )

    id: Mapped[SmallId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    slug: Mapped[Words]
    title: Mapped[Words] = mapped_column(server_default="")
    url: Mapped[Words] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]


class Wording(Base):
    """A versioned text that a person agrees to; append-only, so that a consent can always be read back."""

    __tablename__ = "wordings"
    __table_args__ = (
        UniqueConstraint("campaign_id", "purpose", "version"),
        CheckConstraint("purpose in ('signature', 'updates', 'donation')", name="purpose_known"),
    )

    id: Mapped[SmallId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    purpose: Mapped[Words]
    version: Mapped[int]
    text: Mapped[Translated]
    required: Mapped[bool]
    facts: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    published_at: Mapped[CreatedAt]


Index("ix_wordings_latest", Wording.campaign_id, Wording.purpose, Wording.version.desc())
