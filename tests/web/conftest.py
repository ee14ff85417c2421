"""One Chromium for the tests that look at pages; the pages come from memory, under one made-up address."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

import pytest
from playwright.async_api import Browser, Page, Request, Route, async_playwright

from app.web.assets import asset_response
from app.web.rendering import content_security_policy

SITE = "https://haven.test"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Answer = Callable[[Request], tuple[int, str, bytes] | None]


class Opened(Protocol):
    """Opens a page of a width over an empty site."""

    def __call__(
        self,
        width: int = 390,
        *,
        color_scheme: Literal["dark", "light"] | None = None,
        reduced_motion: Literal["reduce"] | None = None,
        java_script_enabled: bool = True,
    ) -> AbstractAsyncContextManager[tuple[Page, "Site"]]: ...


class Site:
    """What the made-up address serves, and what a browser asked of it and complained about.

    Attributes:
        pages: Bodies by path.
        answer: Asked first; for what is no page.
        strangers: Addresses elsewhere that a page tried to load.
        complaints: What the browser's console said: errors, blocked scripts and styles.
    """

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.answer: Answer = lambda _request: None
        self.strangers: list[str] = []
        self.complaints: list[str] = []

    async def attend(self, page: Page) -> None:
        """Answer everything that `page` asks for."""
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.route("**/*", self._serve)

    async def _serve(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(SITE).partition("?")[0].partition("#")[0]
        answered = self.answer(request)
        asset = asset_response(path)
        if answered is not None:
            status, content_type, body = answered
            await route.fulfill(status=status, content_type=content_type, body=body)
        elif not request.url.startswith(SITE):
            self.strangers.append(request.url)
            await route.abort()
        elif asset is not None:
            await route.fulfill(body=bytes(asset.body), headers=dict(asset.headers))
        elif path in self.pages:
            policy = content_security_policy(embeddable=path.startswith("/embed"))
            headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
            await route.fulfill(body=self.pages[path], headers=headers)
        else:
            await route.fulfill(status=404)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium; `.ci/run` installs it, so that a missing one is a failure."""
    executable = os.environ.get("HAVEN_CHROMIUM", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture
def opened(browser: Browser) -> Opened:
    """A page over an empty site, closed afterwards."""

    @asynccontextmanager
    async def open_page(
        width: int = 390,
        *,
        color_scheme: Literal["dark", "light"] | None = None,
        reduced_motion: Literal["reduce"] | None = None,
        java_script_enabled: bool = True,
    ) -> AsyncIterator[tuple[Page, Site]]:
        site = Site()
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=color_scheme,
            reduced_motion=reduced_motion,
            java_script_enabled=java_script_enabled,
        )
        page = await context.new_page()
        await site.attend(page)
        yield page, site
        await context.close()

    return open_page
