"""The surge ladder as a pure machine: in order, monotone, with hysteresis, and never flapping."""

import itertools
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.petitions.surging import (
    CLIMB_SECONDS,
    LADDER,
    REST_SECONDS,
    SLOWEST_COMMIT,
    CommitTimes,
    Ladder,
    Pressure,
    Rung,
    Step,
)

LOOKS = st.lists(
    st.tuples(st.sampled_from((0.05, 0.25, 0.25, 0.5, 1.0, 3.0)), st.floats(0, 1.5), st.floats(0, 1)),
    max_size=120,
)
"""Seconds since the look before, a pressure, and a share of it for a calmer process."""


def walk(looks: Iterable[tuple[float, float]]) -> list[tuple[float, float, Step]]:
    """Time, pressure and step after each look."""
    ladder, now, found = Ladder(0.0), 0.0, []
    for seconds, level in looks:
        now += seconds
        found.append((now, level, ladder.observe(level, now)))
    return found


def test_the_order_is_declared_once_and_each_step_is_left_below_where_it_was_taken() -> None:
    assert [rung.step for rung in LADDER] == list(Step)[1:]
    assert all(rung.down < rung.up <= 1 for rung in LADDER)
    for lower, higher in itertools.pairwise(LADDER):
        assert lower.up < higher.up
        assert lower.down < higher.down


@given(LOOKS)
def test_it_goes_one_step_at_a_time_and_only_where_the_pressure_says_so(
    looks: list[tuple[float, float, float]],
) -> None:
    before = Step.CALM
    for _, level, step in walk((seconds, level) for seconds, level, _ in looks):
        assert abs(step - before) <= 1
        if step > before:
            assert level >= LADDER[before].up
        if step < before:
            assert level < LADDER[step].down
        before = step


@given(LOOKS)
def test_more_pressure_never_means_a_lower_step(looks: list[tuple[float, float, float]]) -> None:
    harder = walk((seconds, level) for seconds, level, _ in looks)
    calmer = walk((seconds, level * share) for seconds, level, share in looks)
    for (_, _, high), (_, _, low) in zip(harder, calmer, strict=True):
        assert low <= high


@given(LOOKS)
def test_it_does_not_flap(looks: list[tuple[float, float, float]]) -> None:
    """Down only after five quiet seconds: since the last step up, the last down, the last higher pressure."""
    before, moved_at = Step.CALM, float("-inf")
    loud_at: float | None = None
    for now, level, step in walk((seconds, level) for seconds, level, _ in looks):
        if step < before:
            assert now - moved_at >= REST_SECONDS
            assert loud_at is None or now - loud_at >= REST_SECONDS
        if step > before and step - 1 == before:
            assert moved_at == float("-inf") or now - moved_at >= CLIMB_SECONDS or level >= LADDER[before].up
        if step != before:
            before, moved_at = step, now
        if step and level >= LADDER[step - 1].down:
            loud_at = now


@given(st.floats(0, 0.5))
def test_a_pressure_that_trembles_about_a_threshold_moves_it_once(tremble: float) -> None:
    for rung in LADDER:
        width = (rung.up - rung.down) * tremble
        levels = [rung.up + (width if i % 2 else -width) for i in range(400)]
        steps = [step for _, _, step in walk((0.25, level) for level in levels)]
        moves = [pair for pair in itertools.pairwise(steps) if pair[0] != pair[1]]
        assert moves == [(low, low + 1) for low in range(steps[0], steps[-1])], rung


def test_a_sudden_flood_is_at_the_top_within_seconds_and_all_is_back_within_a_minute() -> None:
    up = walk((0.25, 1.0) for _ in range(12))
    assert [step for step, _ in itertools.groupby(s for _, _, s in up)] == list(Step)[1:]
    assert up[-1][2] == Step.REFUSE
    whole = walk([(0.25, 1.0)] * 12 + [(0.25, 0.0)] * 240)
    went = [step for step, _ in itertools.groupby(s for _, _, s in whole)]
    assert went == [*list(Step)[1:], *reversed(list(Step)[:-1])]
    moves = [later for earlier, later in itertools.pairwise(whole) if later[2] < earlier[2]]
    assert [after[0] - before[0] for before, after in itertools.pairwise(moves)] == [REST_SECONDS] * 4


@pytest.mark.parametrize("rung", LADDER)
def test_between_the_two_figures_of_a_step_nothing_moves(rung: Rung) -> None:
    between = (rung.up + rung.down) / 2
    steps = [step for _, _, step in walk([(0.25, rung.up)] * 20 + [(0.25, between)] * 400)]
    assert steps[20:] == [rung.step] * 400


@pytest.mark.parametrize(
    ("pressure", "level"),
    [
        (Pressure(), 0.0),
        (Pressure(waiting=1_000, capacity=2_000), 0.5),
        (Pressure(commit_seconds=SLOWEST_COMMIT / 2), 0.5),
        (Pressure(backlog=350_000, backlog_capacity=1_000_000), 0.35),
        (Pressure(waiting=200, capacity=2_000, commit_seconds=9, backlog=1), 1.0),
    ],
)
def test_the_worst_of_all_signs_is_the_pressure(pressure: Pressure, level: float) -> None:
    assert pressure.level == pytest.approx(level)


def test_a_slow_transaction_is_seen_while_it_lasts_and_for_three_seconds() -> None:
    now = [0.0]
    commits = CommitTimes(lambda: now[0])
    assert commits.slowest == 0
    with commits.timed():
        now[0] = 4.0
        assert commits.slowest == 4
        with commits.timed():
            now[0] = 4.05
    now[0] = 7.0
    assert commits.slowest == pytest.approx(4.05)
    now[0] = 7.1
    assert commits.slowest == 0


def test_a_transaction_that_failed_is_no_sign_of_a_surge() -> None:
    now = [0.0]
    commits = CommitTimes(lambda: now[0])
    with suppress(ValueError), commits.timed():
        now[0] = 2.0
        assert commits.slowest == 2
        raise ValueError
    assert commits.slowest == 0
