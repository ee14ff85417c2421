"""Every page, in every language and state, on a small and a large screen: accessible, and fitting it."""

import asyncio
from pathlib import Path
from typing import Literal

import axe_playwright_python
import pytest
from playwright.async_api import Page

from app.core.languages import LOCALES
from app.web.rendering import render_page
from tests.web.conftest import SITE, Opened
from tests.web.pages import every_page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"], preload: false})).violations
    .map(found => found.id + ": " + found.nodes.map(node => node.html).join(" | "))"""
OVERFLOWING = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("*")].filter(it => {
        const box = it.getBoundingClientRect();
        return box.right > innerWidth + 1 || box.left < -1;
    }).map(it => it.outerHTML.slice(0, 120))"""
TARGETS = (
    "button, select, textarea, .choice, .button, .exit, .languages a, .share a, "
    "input:not([type=hidden], [type=radio], [type=checkbox], [name=website])"
)
SMALL_TARGETS = f"""() => [...document.querySelectorAll("{TARGETS}")].filter(it => {{
        const box = it.getBoundingClientRect();
        return box.height > 0 && (box.height < 43.5 || box.width < 40);
    }}).map(it => it.outerHTML.slice(0, 120))"""

# Dark where it is small, light where it is large: both palettes are looked at with one pass each.
SCREENS = ((320, "dark"), (1280, "light"))


TABS = 2


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("locale", LOCALES)
async def test_every_page_is_accessible_and_fits(
    opened: Opened, locale: str, width: int, scheme: Literal["dark", "light"]
) -> None:
    bodies = {f"/{name}": render_page(view) for name, view in every_page(locale).items()}

    async def look_at(paths: list[str]) -> list[str]:
        async with opened(width, color_scheme=scheme, reduced_motion="reduce") as (page, site):
            site.pages = bodies
            await page.add_init_script(AXE)
            found = [f"{path}: {finding}" for path in paths for finding in await findings(page, path)]
            return found + site.complaints + site.strangers

    shares = [list(bodies)[start::TABS] for start in range(TABS)]
    found = await asyncio.gather(*map(look_at, shares))
    assert len(bodies) >= 35
    assert not any(found), "\n".join(finding for share in found for finding in share)


async def findings(page: Page, path: str) -> list[str]:
    await page.goto(SITE + path)
    return [
        finding for check in (RUN_AXE, OVERFLOWING, SMALL_TARGETS) for finding in await page.evaluate(check)
    ]


async def test_the_checks_can_find_something(opened: Opened) -> None:
    async with opened(320) as (page, site):
        site.pages["/"] = b"<html><p style='width:400px'><button>x</button><input name=y>"
        await page.add_init_script(AXE)
        await page.goto(f"{SITE}/")
        assert any("html-has-lang" in finding for finding in await page.evaluate(RUN_AXE))
        assert len(await page.evaluate(SMALL_TARGETS)) == 2
        # The policy blocks the style that would make it too wide, and says so.
        assert any("style" in complaint for complaint in site.complaints)
