"""Public sealing keys, by id, so that keys can rotate."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import CreatedAt, MaybeAt, SmallId
from app.core.db import Base


class SealingKey(Base):
    """One public key; the id stands in front of everything sealed to it."""

    __tablename__ = "keys"
    __table_args__ = (CheckConstraint("octet_length(public_key) = 32", name="length"),)

    id: Mapped[SmallId]
    public_key: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    retired_at: Mapped[MaybeAt]
