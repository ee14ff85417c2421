"""Refusals on request, so that retries and bounces can be tried.

By address, as tests ask for it (`POST /faults`), or by the local part's beginning: `bounce-…@` is refused for
good, `later-…@` the first time.
"""

from collections import OrderedDict
from dataclasses import dataclass

_REMEMBERED = 10_000
_LOWEST, _HIGHEST = 400, 599


@dataclass(slots=True)
class Fault:
    """An SMTP code that an address is answered with, so many more times."""

    code: int
    times: int


class Faults:
    """Decides how a recipient is answered."""

    def __init__(self) -> None:
        self._ordered: dict[str, Fault] = {}
        self._put_off: OrderedDict[str, None] = OrderedDict()

    def order(self, address: str, code: int, times: int) -> None:
        """Answer that address with that code so many times. Raises ValueError outside 400-599."""
        if not _LOWEST <= code <= _HIGHEST or times < 1 or "@" not in address:
            raise ValueError("An address, a code from 400 to 599 and a number of times are needed")
        self._ordered[address.casefold()] = Fault(code, times)

    def clear(self) -> None:
        """Forget what was ordered and who was put off."""
        self._ordered.clear()
        self._put_off.clear()

    def answer(self, address: str) -> str | None:
        """The refusal for this recipient this time, or None to accept."""
        key = address.casefold()
        ordered = self._ordered.get(key)
        if ordered is not None:
            ordered.times -= 1
            if ordered.times == 0:
                del self._ordered[key]
            return _reply(ordered.code)
        if key.startswith("bounce-"):
            return _reply(550)
        if key.startswith("later-") and key not in self._put_off:
            self._put_off[key] = None
            if len(self._put_off) > _REMEMBERED:
                self._put_off.popitem(last=False)
            return _reply(451)
        return None


def _reply(code: int) -> str:
    if code >= 500:  # noqa: PLR2004 - the permanent failures of RFC 5321 §4.2.1
        return f"{code} 5.1.1 No such mailbox, as ordered"
    return f"{code} 4.3.0 Try again later, as ordered"
