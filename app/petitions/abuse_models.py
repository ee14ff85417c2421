"""What staff keep against abuse: lists, sweeps and their figures."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import At, Bytes, CreatedAt, MaybeAt, MaybeBytes, MaybeWords, SmallId, UuidId, Words
from app.core.db import Base


class AbuseListEntry(Base):
    """A network, a domain or an address that staff block, or vouch for."""

    __tablename__ = "abuse_lists"
    __table_args__ = (
        CheckConstraint("action in ('block', 'allow')", name="action_known"),
        CheckConstraint(
            "case kind when 'network' then network is not null when 'domain' then domain is not null "
            "when 'address' then address_hash is not null else false end "
            "and num_nonnulls(network, domain, address_hash) = 1",
            name="one_value",
        ),
        UniqueConstraint("kind", "network", "domain", "address_hash", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[SmallId]
    action: Mapped[Words]
    kind: Mapped[Words]
    network: Mapped[str | None] = mapped_column(CIDR)
    domain: Mapped[MaybeWords]
    address_hash: Mapped[MaybeBytes]
    note: Mapped[Words] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]


class Sweep(Base):
    """What staff did to many signatures at once, how far it is, and whether it was undone."""

    __tablename__ = "sweeps"
    __table_args__ = (CheckConstraint("action in ('invalidate', 'release')", name="action_known"),)

    id: Mapped[UuidId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    action: Mapped[Words]
    reason: Mapped[Words]
    actor: Mapped[Words]
    conditions_sealed: Mapped[MaybeBytes]
    expected: Mapped[int]
    done: Mapped[int] = mapped_column(server_default="0")
    reached_id: Mapped[UUID | None]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[MaybeAt]
    undo_at: Mapped[MaybeAt]
    undone_at: Mapped[MaybeAt]


class InvalidationCount(Base):
    """How many of a petition's signatures are invalidated now, by reason; `counted` of them were counted."""

    __tablename__ = "invalidation_counts"

    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    signatures: Mapped[int]
    counted: Mapped[int]


class WatchReport(Base):
    """What trended among a petition's signatures in one hour; no personal data, and forgotten in 30 days.

    Of a pattern of names `signatures` and `of_all` are those of a sample.
    """

    __tablename__ = "watch_reports"
    __table_args__ = (
        CheckConstraint(
            "kind in ('network', 'domain', 'shape', 'first_word', 'last_word')", name="kind_known"
        ),
        UniqueConstraint("petition_id", "hour_at", "kind", "key_hash"),
    )

    id: Mapped[UuidId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    hour_at: Mapped[At]
    kind: Mapped[Words]
    key_hash: Mapped[Bytes]
    shape: Mapped[MaybeWords]
    pattern_sealed: Mapped[MaybeBytes]
    signatures: Mapped[int]
    of_all: Mapped[int]
    day_before: Mapped[int]
    unconfirmed: Mapped[int]
    quarantined: Mapped[int]
    reported_at: Mapped[CreatedAt]
