"""Charts as geometry: where each bar, line and label stands. A template draws them as SVG.

Nothing here is a colour or a style: the page's own style sheet gives both, so that a chart passes a strict
Content-Security-Policy, follows dark mode and prints (see ADR 0031).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 6, 10, 26
_TICKS = 4
_STEPS = (1, 2, 5, 10)
_GAP = 0.24
_SEEN = 2.0
"""A figure above nothing is drawn at least so high, or it would look like nothing."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over all periods; never negative."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis and its place along it."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; `kind` is "above" or "below" the zero line."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Slot:
    """What belongs to one period, with the words that a pointer over it shows."""

    hint: str
    x: float
    width: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of `width` by `height` units, around the plot from `left` to `right`, `top` to `bottom`."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    zero: float
    slots: tuple[Slot, ...]
    line: str
    across: tuple[Tick, ...]
    upward: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """What to draw: bars upwards, perhaps a stepped line over them, perhaps bars downwards.

    Attributes:
        labels: A short name of each period, for the axis.
        hints: A sentence on each period, for whoever points at it.
        unit: The smallest step of the scale: 1 for people, 100 for pounds in pence.
        written: How a number on the scale is written.
    """

    labels: Sequence[str]
    hints: Sequence[str]
    bars: Series
    line: Series | None
    below: Series | None
    unit: int
    written: Callable[[int], str]


def draw(plot: Plot, *, width: int, height: int, labels: int) -> Chart:
    """Lay the plot out in a box of this size, with at most so many labels on the axis of time."""
    step = _nice_step(max((*plot.bars.values, *(plot.line.values if plot.line else ()), 0)), plot.unit)
    peak = max((*plot.bars.values, *(plot.line.values if plot.line else ()), step))
    ceiling = math.ceil(peak / step) * step
    depth = max((*(plot.below.values if plot.below else ()), 0))
    top, bottom = float(_TOP), float(height - _BOTTOM)
    scale = (bottom - top) / (ceiling + depth)
    zero = top + ceiling * scale
    slot = (width - _LEFT - _RIGHT) / max(len(plot.labels), 1)
    return Chart(
        width=width,
        height=height,
        left=_LEFT,
        right=width - _RIGHT,
        top=top,
        bottom=bottom,
        zero=_round(zero),
        slots=_slots(plot, slot, zero, scale),
        line=_stepped(plot.line.values, slot, zero, scale) if plot.line else "",
        across=_labels(plot.labels, slot, labels),
        upward=tuple(
            Tick(_round(zero - value * scale), plot.written(value)) for value in range(0, ceiling + 1, step)
        ),
    )


def _nice_step(peak: int, unit: int) -> int:
    """The distance between two lines of the scale: 1, 2 or 5 times a power of ten units."""
    wanted = max(peak / _TICKS / unit, 1)
    power = int(10 ** math.floor(math.log10(wanted)))
    return unit * next(power * step for step in _STEPS if power * step >= wanted)


def _slots(plot: Plot, slot: float, zero: float, scale: float) -> tuple[Slot, ...]:
    below = plot.below.values if plot.below else [0] * len(plot.labels)
    made = []
    for number, (hint, up, down) in enumerate(zip(plot.hints, plot.bars.values, below, strict=True)):
        x, width = _LEFT + number * slot + slot * _GAP / 2, slot * (1 - _GAP)
        bars = []
        if up > 0:
            high = max(up * scale, _SEEN)
            bars.append(Bar("above", _round(x), _round(zero - high), _round(width), _round(high)))
        if down > 0:
            deep = max(down * scale, _SEEN)
            bars.append(Bar("below", _round(x), _round(zero), _round(width), _round(deep)))
        made.append(Slot(hint, _round(_LEFT + number * slot), _round(slot), tuple(bars)))
    return tuple(made)


def _stepped(values: Sequence[int], slot: float, zero: float, scale: float) -> str:
    """A line that keeps its height over each period: the `d` of a path."""
    steps = [f"M{_LEFT},{_round(zero)}"]
    for number, value in enumerate(values):
        steps.append(f"V{_round(zero - value * scale)}H{_round(_LEFT + (number + 1) * slot)}")
    return "".join(steps)


def _labels(labels: Sequence[str], slot: float, most: int) -> tuple[Tick, ...]:
    """Evenly spread labels, the first at the beginning and the last at the end."""
    count = min(most, len(labels))
    if count == 0:
        return ()
    last = len(labels) - 1
    chosen = sorted({round(place * last / max(count - 1, 1)) for place in range(count)})
    return tuple(
        Tick(_round(_LEFT + (at + _shift(at, last)) * slot), labels[at], _anchor(at, last)) for at in chosen
    )


def _shift(at: int, last: int) -> float:
    return {"start": 0.0, "end": 1.0}.get(_anchor(at, last), 0.5)


def _anchor(at: int, last: int) -> str:
    if last == 0:
        return "middle"
    return {0: "start", last: "end"}.get(at, "middle")


def _round(place: float) -> float:
    return round(place, 1)
