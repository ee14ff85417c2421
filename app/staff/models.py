"""Staff accounts and their server-side sessions."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, func, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Bytes, CreatedAt, MaybeAt, SmallId, Words
from app.core.db import Base


class StaffAccount(Base):
    """Somebody who logs in to the admin pages."""

    __tablename__ = "staff_accounts"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_folded"),)

    id: Mapped[SmallId]
    email: Mapped[Words] = mapped_column(unique=True)
    name: Mapped[Words]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    password_hash: Mapped[Words]
    last_login_at: Mapped[MaybeAt]
    watch_mail: Mapped[bool] = mapped_column(server_default=true())
    disabled_at: Mapped[MaybeAt]
    created_at: Mapped[CreatedAt]


class StaffSession(Base):
    """One login; the browser holds the token, the table its hash."""

    __tablename__ = "staff_sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"), index=True)
    csrf_hash: Mapped[Bytes]
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class LoginAttempts(Base):
    """Attempts to log in since the last that succeeded, by a keyed hash of the address or the network.

    Kept apart from the accounts, so that an address without one is counted and locked in the same way.
    """

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_last_at", "last_at"),)

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    locked_until: Mapped[MaybeAt]
