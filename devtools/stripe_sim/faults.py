"""Failures on demand: what a network and a payment provider can do to a client."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Literal, get_args

from starlette.requests import Request

from devtools.stripe_sim.errors import StripeFault

Kind = Literal[
    "timeout_before", "timeout_after", "error_500", "error_500_after", "rate_limit_429",
    "reset_before", "reset_after", "delay",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
_HANG = 120.0


@dataclass
class Fault:
    """A failure that awaits matching requests.

    Args:
        operation: `METHOD /path` with or without placeholders, or `*`.
        kind: What goes wrong; `_before` means that nothing was done, `_after` that everything was.
        times: For how many requests.
        seconds: How long a `timeout` hangs (at most) or a `delay` takes.
    """

    operation: str
    kind: str
    times: int = 1
    seconds: float = _HANG

    def matches(self, name: str, method: str, path: str) -> bool:
        """Whether a request for an operation is meant."""
        return self.operation in {"*", name, f"{method} {path}"}


class Faults:
    """The failures in waiting, first come first served."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, name: str, method: str, path: str) -> Fault | None:
        """The failure for this request, if one waits."""
        for fault in self.pending:
            if fault.matches(name, method, path):
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None


def server_error() -> StripeFault:
    """Stripe's 500."""
    return StripeFault(
        "Sorry! There was an error while talking to one of our backends. Support has been notified.",
        status=500,
        kind="api_error",
    )


def rate_limited() -> StripeFault:
    """Stripe's 429."""
    return StripeFault(
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        status=429,
        code="rate_limit",
    )


async def hang(request: Request, seconds: float) -> None:
    """Answer nothing until the client goes away or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def reset(request: Request) -> None:
    """Cut the connection without an answer."""
    request.scope["extensions"]["haven.transport"].abort()


def parse(operation: str) -> str:
    """Check an operation's name; raises ValueError for one that can match nothing."""
    if operation != "*" and not re.fullmatch(r"(GET|POST|DELETE) /v1/\S+", operation):
        raise ValueError("operation is `*` or like `POST /v1/checkout/sessions`")
    return operation
