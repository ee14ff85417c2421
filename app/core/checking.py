"""Check a whole form before answering, so that all there is to mend is said at once."""

from collections.abc import Callable
from typing import TypeVar

from app.core.errors import AppError, InvalidFields

Value = TypeVar("Value")


class Checks:
    """Collects what is wrong with the fields of one form."""

    def __init__(self) -> None:
        self.errors: list[AppError] = []

    def run(self, field: str, check: Callable[[], Value]) -> Value | None:
        """What `check` returns; None where it failed, which is kept with the field's name."""
        try:
            return check()
        except AppError as error:
            error.field = error.field or field
            self.errors.append(error)
            return None

    def finish(self) -> None:
        """Raise InvalidFields if any check failed."""
        if self.errors:
            raise InvalidFields(self.errors)
