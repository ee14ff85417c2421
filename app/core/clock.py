"""The time, as something that can be handed in and held still."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; always aware, always UTC."""

    def now(self) -> datetime:
        """The present moment as an aware UTC datetime."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment as an aware UTC datetime."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is moved: for tests and for replaying a moment."""

    def __init__(self, at: datetime) -> None:
        self._at = _as_utc(at)

    def now(self) -> datetime:
        """The moment this clock was last set to, in UTC."""
        return self._at

    def advance(self, by: timedelta) -> datetime:
        """Move forward by `by` and tell the new time. Raises ValueError for going back."""
        if by < timedelta(0):
            raise ValueError("A clock does not run backwards; use set_to")
        self._at += by
        return self._at

    def set_to(self, at: datetime) -> None:
        """Jump to `at`, an aware datetime, also backwards."""
        self._at = _as_utc(at)


def _as_utc(at: datetime) -> datetime:
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("A time without its zone is no time")
    return at.astimezone(UTC)
