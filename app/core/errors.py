"""Errors that reach a person: a stable code, a sentence, and the field to mend.

Domains raise subclasses; `app/http/problems.py` alone knows HTTP statuses. The text says what
happened and what to do, and never holds personal data: errors are logged.
"""

from collections.abc import Sequence
from typing import ClassVar


class AppError(Exception):
    """Something a caller should be told about.

    Attributes:
        code: Stable, documented in `docs/errors.md`, the same in the API, in pages and in logs.
        detail: What happened and what to do, in English; pages translate it.
        field: The name of the input to mend, where there is one.
        retry_after: Seconds after which trying again makes sense, where that is known.
    """

    code: ClassVar[str] = "error"
    detail: str = "Something went wrong. Please try again."

    def __init__(
        self, detail: str | None = None, *, field: str | None = None, retry_after: int | None = None
    ) -> None:
        self.detail = detail or type(self).detail
        self.field = field
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")


class NotFound(AppError):
    """The thing asked for does not exist, or is not published."""

    code = "not_found"
    detail = "There is nothing at this address. Please check the link."


class InvalidInput(AppError):
    """A field holds something that cannot be accepted."""

    code = "invalid_input"
    detail = "This field cannot be accepted as it is."


class Overloaded(AppError):
    """A bounded queue or pool is full; nothing was stored."""

    code = "overloaded"
    detail = "Many people are here at once. Nothing was lost or stored; please try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail, retry_after=retry_after)


class DatabaseUnavailable(Overloaded):
    """The database did not take the change; or it was lost before it said so, and nobody knows."""

    code = "database_unavailable"
    detail = "We cannot store anything right now. Please send this again in a moment."


def codes(root: type[AppError] = AppError) -> dict[str, type[AppError]]:
    """Every code in use, by its class; a test holds them to the status map and the documentation."""
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= codes(child)
    return found


class InvalidFields(AppError):
    """Several fields need mending at once; each error stands for one."""

    code = "invalid_fields"
    detail = "Some answers need another look. Nothing was sent, and all you entered is still here."

    def __init__(self, errors: Sequence[AppError]) -> None:
        self.errors = tuple(errors)
        super().__init__(field=errors[0].field if errors else None)
