"""Appeals, donations, and the inbox of Stripe's events."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import (
    Bytes,
    CreatedAt,
    Currency,
    MaybeAt,
    MaybeBytes,
    MaybeWords,
    Minor,
    SmallId,
    Translated,
    UuidId,
    Words,
)
from app.core.db import Base

STATES = (
    "created",
    "pending",
    "succeeded",
    "failed",
    "canceled",
    "expired",
    "partially_refunded",
    "refunded",
    "disputed",
    "dispute_won",
    "dispute_lost",
)


class Appeal(Base):
    """A fundraiser of a campaign."""

    __tablename__ = "appeals"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_form"),
        CheckConstraint("state in ('draft', 'open', 'closed')", name="state_known"),
    )

    id: Mapped[SmallId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    slug: Mapped[Words] = mapped_column(unique=True)
    state: Mapped[Words] = mapped_column(server_default="draft")
    title: Mapped[Translated]
    story: Mapped[Translated]
    currency: Mapped[Currency]
    currencies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    target_minor: Mapped[Minor]
    suggested_minor: Mapped[dict[str, list[int]]] = mapped_column(JSONB)
    opened_at: Mapped[MaybeAt]
    closed_at: Mapped[MaybeAt]
    created_at: Mapped[CreatedAt]


class Beneficiary(Base):
    """Who gets the money."""

    __tablename__ = "beneficiaries"

    id: Mapped[SmallId]
    name: Mapped[Words] = mapped_column(unique=True)
    charity_number: Mapped[Words]
    url: Mapped[Words]


class AllocationShare(Base):
    """A beneficiary's share of an appeal's money from a time on.

    Append-only, so that the past stays as it was.
    """

    __tablename__ = "allocation_shares"

    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    beneficiary_id: Mapped[int] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    weight: Mapped[int]


class Donation(Base):
    """A donor's intent to give, and what became of it."""

    __tablename__ = "donations"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state_known"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("frequency in ('once', 'monthly')", name="frequency_known"),
        CheckConstraint("refunded_minor between 0 and amount_minor", name="refunds_bounded"),
        Index("ix_donations_appeal_day", "appeal_id", "created_at"),
        Index("ix_donations_open", "changed_at", postgresql_where=text("state in ('created', 'pending')")),
    )

    id: Mapped[UuidId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    state: Mapped[Words] = mapped_column(server_default="created")
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    frequency: Mapped[Words] = mapped_column(server_default="once")
    wording_id: Mapped[int] = mapped_column(ForeignKey("wordings.id"))
    placement: Mapped[MaybeWords]
    locale: Mapped[Words]
    token_hash: Mapped[Bytes] = mapped_column(unique=True)
    details_sealed: Mapped[MaybeBytes]
    own_copy: Mapped[MaybeBytes]
    stripe_session_id: Mapped[MaybeWords] = mapped_column(unique=True)
    stripe_payment_intent_id: Mapped[MaybeWords] = mapped_column(unique=True)
    stripe_charge_id: Mapped[MaybeWords] = mapped_column(unique=True)
    failure_code: Mapped[MaybeWords]
    refunded_minor: Mapped[Minor] = mapped_column(server_default="0")
    settled_at: Mapped[MaybeAt]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    created_at: Mapped[CreatedAt]


class IdempotencyKey(Base):
    """A caller's key and what it created; the response is rebuilt, never stored."""

    __tablename__ = "idempotency_keys"

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    body_hash: Mapped[Bytes]
    donation_id: Mapped[UUID]
    created_at: Mapped[CreatedAt]


class StripeEvent(Base):
    """An event of Stripe's, once by its id; never its body, which holds names and addresses."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        Index("ix_stripe_events_unhandled", "received_at", postgresql_where=text("handled_at is null")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[Words]
    object_id: Mapped[Words]
    livemode: Mapped[bool]
    api_version: Mapped[Words]
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[CreatedAt]
    handled_at: Mapped[MaybeAt]
    outcome: Mapped[MaybeWords]


class StripeCursor(Base):
    """How far Stripe's own list of events has been read, to find those that were never delivered."""

    __tablename__ = "stripe_cursors"

    name: Mapped[str] = mapped_column(primary_key=True)
    listed_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))
