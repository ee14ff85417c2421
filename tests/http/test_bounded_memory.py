"""Whatever a public process remembers has an end.

A process takes about 150 MB before anybody has come; full of everything, it is to be a tenth larger at most.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from app.campaigns.models import Campaign
from app.http.flooding import Windows
from app.http.shelf import MOST_BYTES, encoding_for
from app.supporters.identity import fold_email
from app.web.pages import language_of
from tests.http.sites import Site

MEGABYTE = 1_000_000
CAMPAIGN = Campaign(locales=["en", "uk", "ar"])


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """How much was taken, and is still held, since the test began."""
    tracemalloc.start()

    def held() -> int:
        gc.collect()  # what is only waiting to be collected is not held
        return tracemalloc.get_traced_memory()[0]

    yield held
    tracemalloc.stop()


def test_windows_domains_and_wishes_of_very_many_people(traced: Callable[[], int]) -> None:
    windows = Windows()
    for number in range(24_000):
        windows.incr(f"LIMITS:LIMITER/2001:db8:{number >> 16:x}:{number & 65535:x}::/64/60/1/minute", 60)
        if number < 8_500:
            fold_email(f"a@mail.some-company-{number}.example")
            encoding_for(f"gzip;q=0.{number}, br".encode())
            language_of(f"uk-{number:0150d}", CAMPAIGN)

    assert traced() < 7 * MEGABYTE


def test_all_pages_together_are_the_most_of_it() -> None:
    assert MOST_BYTES < 9 * MEGABYTE


async def test_pages_for_placements_that_somebody_makes_up(
    site: Site, traced: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http.shelf.MOST_BYTES", MEGABYTE)

    async def read(pages: range) -> int:
        for number in pages:
            answer = await site.shelf.get(f"{site.paths[0]}?placement=made-up-{number}")
            assert answer.status_code == 200
        return traced()

    # A page takes more than ten thousand bytes: after 150 of them the shelf has been full for long.
    full = await read(range(150))
    assert await read(range(150, 300)) - full < 0.2 * MEGABYTE
