"""Spans of days in a campaign's time zone, and how they are cut for a chart."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.reports.errors import RangeInvalid

PRESETS = (7, 30, 90)
DEFAULT_PRESET = 30
MAX_DAYS = 3660
"""Ten years; bounds every query and every list of a report."""

_EARLIEST = date(2000, 1, 1)
_BY_DAY = 100
_BY_WEEK = 400


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `first` to `last`, both included, at most MAX_DAYS. Raises RangeInvalid otherwise."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first < _EARLIEST or self.last < self.first:
            raise RangeInvalid(field="from")
        if (self.last - self.first).days >= MAX_DAYS:
            raise RangeInvalid("Please choose at most ten years.", field="from")

    def days(self) -> Iterator[date]:
        """Every day, oldest first."""
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the first moment of the first day to the first moment after the last, in UTC.

        A day has 23 or 25 hours where clocks change. Where midnight does not exist, the day begins with the
        change; where it comes twice, with the first.
        """
        begin = datetime.combine(self.first, time(), zone).astimezone(UTC)
        end = datetime.combine(self.last + timedelta(days=1), time(), zone).astimezone(UTC)
        return begin, end

    def periods(self) -> list["DateRange"]:
        """The days themselves; their weeks (from Monday) past 100 days, their months past 400."""
        length = (self.last - self.first).days + 1
        if length <= _BY_DAY:
            return [DateRange(day, day) for day in self.days()]
        cut = _week if length <= _BY_WEEK else _month
        groups = (list(days) for _, days in itertools.groupby(self.days(), key=cut))
        return [DateRange(days[0], days[-1]) for days in groups]


def last_days(count: int, today: date) -> DateRange:
    """The last `count` days, today included."""
    return DateRange(today - timedelta(days=count - 1), today)


def since(earliest: date | None, today: date) -> DateRange:
    """Everything since a day (today alone where there is nothing yet), as far back as a report reaches."""
    reach = today - timedelta(days=MAX_DAYS - 1)
    return DateRange(min(max(earliest or today, reach), today), today)


def between(first: str, last: str) -> DateRange:
    """The range that two dates in ISO 8601 (2026-03-29) give. Raises RangeInvalid."""
    return DateRange(_parsed(first, "from"), _parsed(last, "to"))


def _parsed(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise RangeInvalid(field=field) from error
    if day > date(9999, 12, 30):
        raise RangeInvalid(field=field)
    return day


def _week(day: date) -> tuple[int, int]:
    year, week, _ = day.isocalendar()
    return year, week


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
