"""The double-entry book: accounts, postings, entries. Append-only; the database holds the sums to zero."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import BigId, CreatedAt, Currency, Minor, SmallId, Words
from app.core.db import Base


class LedgerAccount(Base):
    """One account of one appeal in one currency."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("appeal_id", "kind", "currency"),
        CheckConstraint("kind in ('clearing', 'donations', 'refunds', 'fees')", name="kind_known"),
    )

    id: Mapped[SmallId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    kind: Mapped[Words]
    currency: Mapped[Currency]


class Posting(Base):
    """One movement and its cause; the cause is unique, so that nothing is booked twice."""

    __tablename__ = "ledger_postings"
    __table_args__ = (UniqueConstraint("cause_kind", "cause_id"),)

    id: Mapped[BigId]
    cause_kind: Mapped[Words]
    cause_id: Mapped[Words]
    occurred_at: Mapped[CreatedAt]
    posted_at: Mapped[CreatedAt]


class Entry(Base):
    """One line: a debit is positive, a credit negative, in minor units of the account's currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="not_zero"),
        Index("ix_ledger_entries_posting_id", "posting_id"),
        Index("ix_ledger_entries_account_id", "account_id"),
    )

    id: Mapped[BigId]
    posting_id: Mapped[int] = mapped_column(ForeignKey("ledger_postings.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
