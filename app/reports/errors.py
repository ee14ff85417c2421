"""What can be wrong with a request for a report."""

from app.core.errors import AppError


class RangeInvalid(AppError):
    """The dates are none, stand in the wrong order, or span too much."""

    code = "range_invalid"
    detail = "Please give a first and a last day as year-month-day, the first not after the last."
