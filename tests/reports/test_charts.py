import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.charts import Chart, Plot, Series, draw


def plot(
    bars: list[int], line: list[int] | None = None, below: list[int] | None = None, unit: int = 1
) -> Plot:
    names = [str(number) for number in range(len(bars))]
    return Plot(
        labels=names,
        hints=names,
        bars=Series("Bars", bars),
        line=Series("Line", line) if line is not None else None,
        below=Series("Below", below) if below is not None else None,
        unit=unit,
        written=str,
    )


def wide(made: Plot) -> Chart:
    return draw(made, width=720, height=260, labels=8)


@pytest.mark.parametrize(
    ("peak", "unit", "scale"),
    [
        (0, 1, ["0", "1"]),
        (1, 1, ["0", "1"]),
        (7, 1, ["0", "2", "4", "6", "8"]),
        (20, 1, ["0", "5", "10", "15", "20"]),
        (1203, 1, ["0", "500", "1000", "1500"]),
        (250, 100, ["0", "100", "200", "300"]),
        (30, 100, ["0", "100"]),
    ],
)
def test_the_scale_has_round_steps_of_whole_units(peak: int, unit: int, scale: list[str]) -> None:
    assert [tick.label for tick in wide(plot([peak], unit=unit)).upward] == scale


def test_bars_are_as_high_as_their_figures() -> None:
    chart = wide(plot([50, 100, 0], below=[0, 10, 0]))
    half, whole, none = chart.slots
    assert half.bars[0].height * 2 == pytest.approx(whole.bars[0].height, abs=0.2)
    assert [bar.kind for bar in whole.bars] == ["above", "below"]
    assert whole.bars[1].height * 10 == pytest.approx(whole.bars[0].height, abs=1)
    assert none.bars == ()


def test_one_among_thousands_can_still_be_seen() -> None:
    chart = wide(plot([100_000, 1]))
    assert chart.slots[1].bars[0].height == 2


def test_the_line_keeps_its_height_over_each_period() -> None:
    chart = wide(plot([0, 0], line=[1, 4]))
    heights = [float(found) for found in re.findall(r"V([\d.]+)", chart.line)]
    assert heights[1] < heights[0] < chart.zero
    assert chart.line.endswith(f"H{chart.right:g}") or chart.line.endswith(f"H{chart.right:.1f}")


def test_labels_are_spread_from_the_first_to_the_last() -> None:
    chart = draw(plot([1] * 92), width=320, height=240, labels=3)
    assert [(tick.label, tick.anchor) for tick in chart.across] == [
        ("0", "start"),
        ("46", "middle"),
        ("91", "end"),
    ]
    assert [tick.label for tick in wide(plot([5])).across] == ["0"]


figures = st.lists(st.integers(0, 10**12), min_size=1, max_size=100)


@given(bars=figures, lines=figures, downs=figures, unit=st.sampled_from([1, 100]))
def test_nothing_is_drawn_outside_the_plot(
    bars: list[int], lines: list[int], downs: list[int], unit: int
) -> None:
    count = min(len(bars), len(lines), len(downs))
    chart = wide(plot(bars[:count], lines[:count], downs[:count], unit))
    assert 2 <= len(chart.upward) <= 6
    assert chart.top <= chart.zero <= chart.bottom
    for bar in (bar for slot in chart.slots for bar in slot.bars):
        assert chart.left <= bar.x
        assert bar.x + bar.width <= chart.right + 0.2
        assert chart.top - 2.2 <= bar.y
        assert bar.y + bar.height <= chart.bottom + 2.2
