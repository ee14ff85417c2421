"""Identifiers: version 7, never twice, in the order of their time."""

import time
from uuid import RFC_4122

import pytest

from app.core.ids import new_id


def test_ids_are_version_seven() -> None:
    for _ in range(1_000):
        made = new_id()
        assert (made.version, made.variant) == (7, RFC_4122)


def test_ids_hold_the_time_and_sort_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (1_700_000_000_000, 1_700_000_000_001, 1_900_000_000_000):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000 + 999_999)
        made.append(new_id())
        assert made[-1].int >> 80 == milliseconds
    assert made == sorted(made)


def test_no_id_comes_twice_and_all_random_bits_are_used() -> None:
    made = [new_id() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    fixed = (0xF << 76) | (0b11 << 62)
    ones, zeros = 0, (1 << 128) - 1
    for identifier in made:
        ones |= identifier.int
        zeros &= identifier.int
    random_bits = ((1 << 80) - 1) & ~fixed
    assert ones & random_bits == random_bits
    assert zeros & random_bits == 0
