"""When invented people sign: a rush in the first two days, a long tail, nights that are quiet in London."""

from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import exp
from random import Random
from zoneinfo import ZoneInfo

from app.core.languages import DEFAULT_ZONE

HOUR = timedelta(hours=1)

# Signatures by the clock of London, midnight first; the mean is about 1.
_BY_HOUR = (
    *(0.42, 0.24, 0.14, 0.10, 0.12, 0.24, 0.58, 0.98, 1.18, 1.15, 1.10, 1.12),
    *(1.30, 1.22, 1.08, 1.04, 1.12, 1.28, 1.42, 1.58, 1.66, 1.50, 1.14, 0.74),
)
_SECOND_WAVE_HOUR, _SECOND_WAVE_WIDTH = 140, 14


def intensity(age_hours: float, hour_of_day: int) -> float:
    """How many sign in an hour, relatively: by the hours since the start and by London's clock."""
    ramp = min(1.0, (age_hours + 1) / 4)
    rush = exp(-age_hours / 40)
    # A second article, some days later, brings a smaller wave.
    wave = 0.22 * exp(-(((age_hours - _SECOND_WAVE_HOUR) / _SECOND_WAVE_WIDTH) ** 2))
    return ramp * (rush + wave + 0.06) * _BY_HOUR[hour_of_day]


class Timeline:
    """Draws moments between two others.

    Args:
        start: When the campaign's rush began; aware.
        end: No moment lies after it; aware.
    """

    def __init__(self, start: datetime, end: datetime) -> None:
        if end <= start:
            raise ValueError("A history ends after it began")
        self._start, self._end = start.astimezone(UTC), end.astimezone(UTC)
        hours = int((self._end - self._start) / HOUR) + 1
        zone = ZoneInfo(DEFAULT_ZONE)
        weights = (intensity(h, (self._start + h * HOUR).astimezone(zone).hour) for h in range(hours))
        self._cumulative: Sequence[float] = list(accumulate(weights))

    def draw(self, random: Random) -> datetime:
        """One moment, to the millisecond; more likely where more people sign."""
        hour = bisect(self._cumulative, random.random() * self._cumulative[-1])
        at = self._start + hour * HOUR + timedelta(milliseconds=random.randrange(3_600_000))
        # The last hour is not over: what falls behind its end goes somewhere into the part that is there.
        if at >= self._end:
            begun = self._start + hour * HOUR
            at = begun + (self._end - begun) * random.random()
        return at
