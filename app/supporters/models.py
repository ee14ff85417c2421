"""What supporters agreed to, and who gets no mail.

A supporter has no row: it is a keyed hash of an address within one campaign (`Hasher.supporter`), which the
rows of signatures hold.
"""

from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BigId, CreatedAt, SmallId, Words
from app.core.db import Base


class AnswerSetRow(Base):
    """Answers to wordings as many signers gave them alike, and how they came; append-only.

    A signature's row names its set, and cannot be given another. When they were given is when it was signed.
    """

    __tablename__ = "answer_sets"
    __table_args__ = (
        CheckConstraint("via in ('form', 'api')", name="via_known"),
        CheckConstraint("cardinality(wordings) = cardinality(given)", name="one_answer_each"),
        UniqueConstraint("via", "wordings", "given"),
    )

    id: Mapped[SmallId]
    via: Mapped[Words]
    wordings: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    given: Mapped[list[bool]] = mapped_column(ARRAY(Boolean))
    created_at: Mapped[CreatedAt]


class Consent(Base):
    """What a supporter answered later, to which wording, when, how; `consent_trail` shows all answers.

    Append-only; it outlives the supporter as what it says of a signature. It speaks for one person: the one
    whose signature or donation is its subject. Until that is confirmed, anybody may have typed it, so it
    permits nothing.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("via in ('form', 'api', 'my', 'donation')", name="via_known"),
        Index("ix_consents_subject_id", "subject_id"),
    )

    id: Mapped[BigId]
    subject_id: Mapped[UUID | None]
    wording_id: Mapped[int] = mapped_column(ForeignKey("wordings.id"))
    given: Mapped[bool]
    via: Mapped[Words]
    recorded_at: Mapped[CreatedAt]


class Suppression(Base):
    """An address that gets no mail; known by an installation-wide keyed hash that links nothing else."""

    __tablename__ = "suppressions"

    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[Words]
    created_at: Mapped[CreatedAt]
