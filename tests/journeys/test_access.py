"""Whoever uses no mouse, and whoever hears pages instead of seeing them."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.journeys.browsing import Visit, faults
from tests.journeys.figures import APPEAL, CAMPAIGN, PETITION
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, pay, person, sign
from tests.journeys.running import Running

_FOCUS_IS_SEEN = """() => {
    const it = document.activeElement;
    const outlined = other => other && getComputedStyle(other).outlineStyle !== "none";
    return it === document.body
        || it.getBoundingClientRect().height > 0 && Boolean(outlined(it) || outlined(it.closest(".choice")));
}"""


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there; it must be seen wherever it goes."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        assert await page.evaluate(_FOCUS_IS_SEEN), await page.evaluate("document.activeElement.outerHTML")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


async def test_signing_by_keyboard_alone(running: Running, visit: Visit, mailbox: Mailbox) -> None:
    kim = person("Kim Reyes", postcode="EH1 1BB")
    async with visit() as page:
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        for selector, words in (
            ("#name", kim.name),
            ("#email", kim.email),
            ("#country", "United King"),
            ("#postcode", kim.postcode),
        ):
            await _tab_to(page, selector)
            await page.keyboard.type(words)
        await _tab_to(page, "#consent")
        await page.keyboard.press("Space")
        await _tab_to(page, "input[name=updates]")
        await page.keyboard.press("Space")
        await _tab_to(page, "#sign button")
        await page.keyboard.press("Enter")
        await expect(page.locator(".address").first).to_have_text(kim.email)
        await page.goto((await mailbox.newest(kim.email)).link)
        await _tab_to(page, "main form button")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("Your signature counts")


async def test_after_mistakes_the_focus_is_on_what_went_wrong(running: Running, visit: Visit) -> None:
    async with visit() as page:
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await page.locator("#sign button[type=submit]").click()
        await expect(page.locator("[role=alert]")).to_be_focused()
        await page.locator("[role=alert] a").first.click()
        await expect(page.locator("#name")).to_be_focused()


@pytest.mark.parametrize(("locale", "width"), [("en", 1280), ("uk", 320), ("ar", 390)])
async def test_axe_finds_nothing_on_any_page(
    running: Running, visit: Visit, mailbox: Mailbox, locale: str, width: int
) -> None:
    kim = person("Kim Reyes", country="PL")
    found: dict[str, list[str]] = {}
    async with visit(width=width, language=locale) as page:

        async def look(name: str) -> None:
            await expect(page.locator("html")).to_have_attribute("lang", locale)
            found[name] = await faults(page)

        for path in ("/", f"/campaigns/{CAMPAIGN}", f"/embed/{CAMPAIGN}", "/nothing", f"/my/{'A' * 32}"):
            await page.goto(f"{running.public}{path}")
            await look(path)
        await _look_at_signing(page, running, kim, mailbox, look)
        await _look_at_giving(page, running, kim, look)
    assert len(found) == 16
    assert not any(found.values()), {name: findings for name, findings in found.items() if findings}


Look = Callable[[str], Awaitable[None]]


async def _look_at_signing(page: Page, running: Running, kim: Person, mailbox: Mailbox, look: Look) -> None:
    await page.goto(f"{running.public}/petitions/{PETITION}")
    await look("petition")
    await page.locator("#sign button[type=submit]").click()
    await look("petition with mistakes")
    await sign(page, kim)
    await look("inbox")
    mail = await mailbox.newest(kim.email)
    await page.goto(mail.link)
    await look("confirm")
    await page.locator("main form button").click()
    await look("confirmed")
    await page.goto(mail.link.replace("/confirm/", "/my/"))
    await look("my")
    await page.goto(page.url + "/withdraw")
    await look("withdraw")


async def _look_at_giving(page: Page, running: Running, kim: Person, look: Look) -> None:
    await page.goto(f"{running.public}/appeals/{APPEAL}")
    await look("appeal")
    await page.locator("#give button[type=submit]").click()
    await look("appeal with mistakes")
    await page.locator("input[name=amount]").first.check()
    await page.locator("#give-email").fill(kim.email)
    await page.locator("#give button[type=submit]").click()
    await page.locator("#cancel").click()
    await look("not charged")
    await page.locator("#give button[type=submit]").click()
    await pay(page)
    await expect(page.locator("[data-state=succeeded]")).to_be_visible(timeout=20_000)
    await look("thanks")
