"""Petitions, their text versions, letters, signatures, and the figures kept beside them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import (
    At,
    Bytes,
    Country,
    CreatedAt,
    MaybeAt,
    MaybeBytes,
    MaybeWords,
    Small,
    SmallId,
    Translated,
    TranslatedList,
    UuidId,
    Words,
)
from app.core.db import Base
from app.petitions.abuse_models import Sweep
from app.petitions.tallies import Tally, TallyTotal  # noqa: F401 - migrations look for tables here


class Petition(Base):
    """A text addressed to somebody, which people sign."""

    __tablename__ = "petitions"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_form"),
        CheckConstraint("state in ('draft', 'open', 'closed')", name="state_known"),
    )

    id: Mapped[SmallId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    slug: Mapped[Words] = mapped_column(unique=True)
    state: Mapped[Words] = mapped_column(server_default="draft")
    target: Mapped[Translated]
    goal: Mapped[int]
    carried_over_count: Mapped[int] = mapped_column(server_default="0")
    carried_over_note: Mapped[Translated] = mapped_column(server_default="{}")
    opened_at: Mapped[MaybeAt]
    closed_at: Mapped[MaybeAt]
    created_at: Mapped[CreatedAt]


class TextVersion(Base):
    """What a petition says and asks; append-only, and the asks of an open petition cannot change."""

    __tablename__ = "petition_text_versions"
    __table_args__ = (UniqueConstraint("petition_id", "number"),)

    id: Mapped[SmallId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    number: Mapped[int]
    title: Mapped[Translated]
    body: Mapped[Translated]
    asks: Mapped[TranslatedList]
    correction: Mapped[Translated] = mapped_column(server_default="{}")
    published_at: Mapped[CreatedAt]


class Letter(Base):
    """A sealed form, accepted and not yet resolved."""

    __tablename__ = "intake"
    # Every row goes within seconds: vacuumed by number, so that the table stays as small as what waits.
    __table_args__ = (
        # Changes are few, and found among a million signatures without looking at those.
        Index("ix_intake_changes", "id", postgresql_where=text("kind = 'change'")),
        {
            "postgresql_with": {
                "autovacuum_vacuum_scale_factor": "0",
                "autovacuum_vacuum_threshold": "2000",
                "autovacuum_vacuum_insert_threshold": "-1",
                "autovacuum_vacuum_cost_delay": "0",
            }
        },
    )

    id: Mapped[UuidId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    kind: Mapped[Words]
    sealed: Mapped[Bytes]
    received_at: Mapped[CreatedAt]


class RejectedLetter(Base):
    """A letter that broke its resolution: kept sealed until staff have looked, so that nothing is lost."""

    __tablename__ = "intake_rejected"

    id: Mapped[UuidId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    kind: Mapped[Words]
    sealed: Mapped[Bytes]
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    error: Mapped[Words]
    rejected_at: Mapped[CreatedAt]


class Signature(Base):
    """One person's support of one petition. Personal data is sealed, or gone."""

    __tablename__ = "signatures"
    __table_args__ = (
        CheckConstraint("state in ('pending', 'confirmed', 'withdrawn', 'lapsed')", name="state_known"),
        CheckConstraint("person_number in (1, 2)", name="two_a_mailbox"),
        CheckConstraint("(state in ('withdrawn', 'lapsed')) = (supporter_id is null)", name="person_gone"),
        CheckConstraint(
            "supporter_id is not null or (details_sealed is null and own_copy is null and name_hash is null)",
            name="data_gone",
        ),
        Index(
            "uq_signatures_person",
            "supporter_id",
            "petition_id",
            "person_number",
            unique=True,
            postgresql_where=text("supporter_id is not null"),
        ),
        # By hash: half the bytes of a tree. Two equal ones of 128 random bits do not happen.
        Index("ix_signatures_link", "link_hash", postgresql_using="hash"),
        Index("ix_signatures_sweep_id", "sweep_id", postgresql_where=text("sweep_id is not null")),
        Index(
            "ix_signatures_quarantined",
            "petition_id",
            "id",
            postgresql_where=text("quarantined_at is not null"),
        ),
        # Of all, not of those that wait: so a confirmation changes nothing that is indexed (HOT).
        Index("ix_signatures_expires_at", "expires_at"),
        # Room for one more row: each is confirmed once, and the place it leaves serves the next one.
        {"postgresql_with": {"fillfactor": "95"}},
    )

    id: Mapped[UuidId]
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    supporter_id: Mapped[UUID | None]
    person_number: Mapped[Small] = mapped_column(server_default="1")
    text_version_id: Mapped[int] = mapped_column(ForeignKey("petition_text_versions.id"))
    state: Mapped[Words] = mapped_column(server_default="pending")
    country: Mapped[Country]
    region: Mapped[MaybeWords]
    placement_id: Mapped[int | None] = mapped_column(ForeignKey("placements.id"))
    locale: Mapped[Words]
    name_hash: Mapped[MaybeBytes]
    place_hash: Mapped[MaybeBytes]
    key_version: Mapped[Small] = mapped_column(server_default="1")
    details_sealed: Mapped[MaybeBytes]
    own_copy: Mapped[MaybeBytes]
    link_hash: Mapped[Bytes]
    link_version: Mapped[Small] = mapped_column(server_default="1")
    signed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    confirmed_at: Mapped[MaybeAt]
    ended_at: Mapped[MaybeAt]
    quarantined_at: Mapped[MaybeAt]
    invalidated_at: Mapped[MaybeAt]
    network_hash: Mapped[MaybeBytes]
    domain_hash: Mapped[MaybeBytes]
    score: Mapped[Small] = mapped_column(server_default="0")
    confirming_releases: Mapped[bool] = mapped_column(server_default=false())
    sweep_id: Mapped[UUID | None] = mapped_column(ForeignKey(Sweep.id))
    invalidated_counting: Mapped[bool | None]
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("answer_sets.id"))


class LapseWalk(Base):
    """Up to when those who did not confirm in time were looked for; one row."""

    __tablename__ = "lapse_walks"
    __table_args__ = (CheckConstraint("number = 1", name="only_one"),)

    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    reached_at: Mapped[At]


class PublishedSigner(Base):
    """What a signer chose to show, in clear; removed with the signature, `shown` while that counts."""

    __tablename__ = "published_signers"
    __table_args__ = (
        Index("ix_published_signers_newest", "petition_id", "published_at", postgresql_where=text("shown")),
    )

    signature_id: Mapped[UUID] = mapped_column(ForeignKey("signatures.id"), primary_key=True)
    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"))
    name: Mapped[Words]
    comment: Mapped[MaybeWords]
    comment_approved_at: Mapped[MaybeAt]
    published_at: Mapped[CreatedAt]
    shown: Mapped[bool] = mapped_column(server_default=text("true"))


class PetitionCount(Base):
    """The counter: confirmed signatures that count now."""

    __tablename__ = "petition_counts"
    __table_args__ = ({"postgresql_with": {"fillfactor": "20"}},)

    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"), primary_key=True)
    counted: Mapped[int] = mapped_column(server_default="0")
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Signal(Base):
    """How many letters came under one key today, this hour, this minute; unlogged, kept for a day."""

    __tablename__ = "signals"
    __table_args__ = ({"prefixes": ["UNLOGGED"], "postgresql_with": {"fillfactor": "70"}},)

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    day_count: Mapped[int]
    hour_at: Mapped[At]
    hour_count: Mapped[int]
    hour_before: Mapped[int] = mapped_column(server_default="0")
    minute_at: Mapped[At]
    minute_count: Mapped[int]


class SpentChallenge(Base):
    """A proof of work that was used; forgotten once it would have ended."""

    __tablename__ = "spent_challenges"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[At]


class ProofRule(Base):
    """A petition whose signatures should come with work for a while."""

    __tablename__ = "proof_rules"

    petition_id: Mapped[int] = mapped_column(
        ForeignKey("petitions.id"), primary_key=True, autoincrement=False
    )
    until: Mapped[At]
