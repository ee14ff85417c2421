from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core.clock import Clock, FrozenClock, SystemClock

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_the_system_clock_is_aware_and_utc() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    now = clock.now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_a_frozen_clock_moves_only_when_moved() -> None:
    clock = FrozenClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(days=7)) == NOON + timedelta(days=7) == clock.now()
    clock.set_to(NOON)
    assert clock.now() == NOON


def test_other_zones_become_utc() -> None:
    kyiv = timezone(timedelta(hours=2))
    clock = FrozenClock(NOON.astimezone(kyiv))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        FrozenClock(datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001 - that is what is refused
    with pytest.raises(ValueError, match="zone"):
        FrozenClock(NOON).set_to(datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001 - the same


def test_a_frozen_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FrozenClock(NOON).advance(timedelta(seconds=-1))
