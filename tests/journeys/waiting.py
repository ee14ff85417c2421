"""What the worker does comes a moment later: ask until it is so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")


async def until(
    ask: Callable[[], Awaitable[_T]], wanted: Callable[[_T], bool] = bool, seconds: float = 15
) -> _T:
    """The first answer that is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await ask()
        if wanted(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds:g} s")
        await asyncio.sleep(0.05)
