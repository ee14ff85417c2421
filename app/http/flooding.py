"""The flood guard: one network's requests to a process, far above what any crowd does. In memory alone.

It protects the process and judges nobody: it looks at the network and at no answer, so it says nothing of
who has signed. Reads that come from memory are not counted.
"""

import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.networks import network_of
from app.http.client import network_of_scope, trusted_proxies
from app.http.problems import ErrorPage, Problem, respond
from app.http.statuses import HTTP_CODES
from app.settings import Settings

_BURST: Final = 20
"""A twentieth of a minute's requests may come in one second."""
_MOST_KEYS: Final = 16_000
_THIS_MACHINE: Final = frozenset({network_of("127.0.0.1"), network_of("::1")})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_COUNTED_READS: Final = ("/my/", "/confirm/", "/donations/", "/api/v1/my", "/api/v1/donations/")
"""Reads that ask the database each time."""


class Windows(Storage):
    """Counters of fixed windows for the library, bounded, and without its thread for each expiry."""

    STORAGE_SCHEME: Final = ["haven"]  # type: ignore[misc]  # the library declares a variable

    def __init__(self, most: int = _MOST_KEYS) -> None:
        super().__init__()
        self._most = most
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong here: nothing that the library should wrap."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a window, which begins with its first request and ends `expiry` seconds later."""
        now = time.monotonic()
        count, end = self._counts.get(key, (0, 0.0))
        if end <= now:
            if len(self._counts) >= self._most:
                self._make_room(now)
            count, end = 0, now + expiry
        self._counts[key] = count + amount, end
        return count + amount

    def get(self, key: str) -> int:
        """How many are in the running window."""
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the running window ends, as time since the epoch."""
        end = self._counts.get(key, (0, 0.0))[1]
        return time.time() + max(0.0, end - time.monotonic())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int | None:
        """Forget everything."""
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        self._counts = {key: value for key, value in self._counts.items() if value[1] > now}
        if len(self._counts) >= self._most:
            self._counts.clear()


class FloodGuard:
    """Answers 429 to a network that floods this process.

    Args:
        app: What is guarded.
        owner: The FastAPI app, whose error pages are shown.
        page: How an error looks to people.
    """

    def __init__(self, app: ASGIApp, owner: object, settings: Settings, page: ErrorPage) -> None:
        self._app = app
        self._owner = owner
        self._page = page
        self._trusted = trusted_proxies(settings)
        self._exempt = _THIS_MACHINE if settings.demo else frozenset()
        minute = settings.web.flood_requests_a_minute
        self._limits: tuple[RateLimitItem, ...] = (
            (RateLimitItemPerSecond(max(1, minute // _BURST)), RateLimitItemPerMinute(minute))
            if minute
            else ()
        )
        self._limiter = FixedWindowRateLimiter(Windows())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, and pass it on unless its network has gone too far."""
        if scope["type"] == "http" and self._limits and _is_counted(scope):
            broken = self._broken(network_of_scope(scope, self._trusted))
            if broken is not None:
                request = Request({**scope, "app": self._owner}, receive)
                await (await respond(request, broken, self._page))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _broken(self, network: str) -> Problem | None:
        if not network or network in self._exempt:
            return None
        for item in self._limits:
            if not self._limiter.hit(item, network):
                seconds = max(1, round(self._limiter.get_window_stats(item, network)[0] - time.time()))
                return _problem(item, seconds)
        return None


def _is_counted(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] not in _READS or path.startswith(_COUNTED_READS) or path.endswith("/breakdown")


def _problem(item: RateLimitItem, seconds: int) -> Problem:
    """With the fields of draft-ietf-httpapi-ratelimit-headers; only here, so that no other answer differs."""
    code, detail = HTTP_CODES[429]
    headers = {
        "RateLimit-Policy": f'"flood";q={item.amount};w={item.get_expiry()}',
        "RateLimit": f'"flood";r=0;t={seconds}',
    }
    return Problem(429, code, detail, retry_after=seconds, headers=headers)
