"""Readers' browsers."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import axe_playwright_python
from playwright.async_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
_RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"], preload: false})).violations
    .map(found => found.id + ": " + found.nodes.map(node => node.html).join(" | "))"""
_WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth > innerWidth"


class Visit(Protocol):
    """Opens a browser window for somebody who has never been here."""

    def __call__(
        self, *, scripts: bool = True, width: int = 1280, language: str = "en-GB"
    ) -> AbstractAsyncContextManager[Page]: ...


def visits(browser: Browser) -> Visit:
    """Windows of a browser; each holds its pages to loading nothing from elsewhere and to no script error."""

    @asynccontextmanager
    async def visit(
        *, scripts: bool = True, width: int = 1280, language: str = "en-GB"
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": 800},
            locale=language,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        page = await context.new_page()
        strangers: list[str] = []
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: strangers.append(request.url))
        yield page
        await context.close()
        assert not complaints, complaints
        assert not [url for url in strangers if not url.startswith(("http://127.0.0.1:", "data:"))], strangers

    return visit


async def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, and whether it is too wide."""
    await page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = await page.evaluate(_RUN_AXE)
    if await page.evaluate(_WIDER_THAN_THE_SCREEN):
        found.append("wider than the screen")
    return found
