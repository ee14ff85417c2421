"""Tables of the surge ladder: where each process stands, and how many letters wait; both unlogged."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import At, MaybeAt, Small, UuidId, Words
from app.core.db import Base

_EVERY_SECOND = {"prefixes": ["UNLOGGED"], "postgresql_with": {"fillfactor": "20"}}


class ProcessState(Base):
    """One process, as it told last; forgotten after a minute of silence."""

    __tablename__ = "process_states"
    __table_args__ = (
        CheckConstraint("step between 0 and 5", name="step_known"),
        CheckConstraint("role in ('public', 'worker')", name="role_known"),
        _EVERY_SECOND,
    )

    id: Mapped[UuidId]
    name: Mapped[Words]
    role: Mapped[Words]
    step: Mapped[Small]
    step_since: Mapped[At]
    waiting: Mapped[int]
    capacity: Mapped[int]
    commit_ms: Mapped[int]
    seen_at: Mapped[At]


class LetterboxState(Base):
    """The one row that says how many letters wait for a worker, counted once a second by one of all."""

    __tablename__ = "letterbox_states"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"), _EVERY_SECOND)

    id: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    letters: Mapped[int]
    oldest_at: Mapped[MaybeAt]
    counted_at: Mapped[At]
