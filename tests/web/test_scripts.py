"""What the small scripts add, in a browser, and that nothing is missing without them."""

import asyncio
import json

from playwright.async_api import Request, expect

from app.web.assets import assets
from app.web.rendering import render_page
from app.web.views.frame import EXIT_URL
from tests.web.conftest import SITE, Opened
from tests.web.pages import TOKEN, every_page

ARTICLE = """<!doctype html><html lang="en"><title>Article</title>
<p>Text of the article.</p>
<div data-haven><p><a href="https://haven.test/petitions/open-the-door">Sign the petition</a></p></div>
<script src="https://haven.test/embed.js" data-campaign="refugees-welcome" data-placement="mariupol-report"
 data-lang="uk" async></script><p>End.</p></html>"""


async def test_the_button_follows_the_amount(opened: Opened) -> None:
    async with opened() as (page, site):
        site.pages["/appeals/on-the-way"] = render_page(every_page("en")["appeal"])
        await page.goto(f"{SITE}/appeals/on-the-way")
        button, agreed = page.locator("form button"), page.locator("[name=agreed]")
        await expect(button).to_have_text("Review your gift")
        await page.get_by_label("£25").check()
        await expect(button).to_have_text("Give £25 once")
        await expect(agreed).to_have_value("GBP 2500")
        own = page.get_by_label("Or another amount")
        await own.fill("12.5")
        await expect(button).to_have_text("Give £12.50 once")
        await expect(agreed).to_have_value("GBP 1250")
        await expect(page.get_by_label("£25")).not_to_be_checked()
        for unclear in ("12.505", "1,000", "ten", "-5", "1e3"):
            await own.fill(unclear)
            await expect(button).to_have_text("Review your gift")
            await expect(agreed).to_have_value("")
        await page.get_by_label("£10").check()
        await expect(own).to_have_value("")
        await expect(button).to_have_text("Give £10 once")
        assert not site.complaints


async def test_the_script_writes_amounts_as_the_server_does(opened: Opened) -> None:
    for locale in ("en", "uk", "ar"):
        async with opened() as (page, site):
            site.pages["/a"] = render_page(every_page(locale)["appeal"])
            site.pages["/b"] = render_page(every_page(locale)["appeal-chosen"])
            await page.goto(f"{SITE}/b")
            said_by_server = await page.locator("form button").text_content()
            await page.goto(f"{SITE}/a")
            await page.locator("[name=other_amount]").fill("25")
            said_by_script = await page.locator("form button").text_content()
            assert _plain(said_by_script) == _plain(said_by_server), locale


def _plain(words: str | None) -> str:
    """Without the marks and spaces in which CLDR's versions differ."""
    return " ".join((words or "").replace("\u200f", "").replace("\u00a0", " ").split())


async def test_the_count_moves_while_it_is_read(opened: Opened) -> None:
    async with opened(reduced_motion="reduce") as (page, site):
        figures = {"count": 300_001, "goal": 400_000, "next_milestone": 350_000}
        asked: list[str] = []

        def answer(request: Request) -> tuple[int, str, bytes] | None:
            if "/count" not in request.url:
                return None
            asked.append(request.url)
            return (
                (503, "text/plain", b"")
                if len(asked) == 1
                else (200, "application/json", json.dumps(figures).encode())
            )

        site.answer = answer
        site.pages["/petition"] = render_page(every_page("uk")["petition"])
        await page.clock.install()
        await page.goto(f"{SITE}/petition")
        await page.clock.run_for(12_000)
        await expect(page.locator("[data-count]")).to_have_text("265\u00a0826")
        # After a failure it waits twice as long.
        await page.clock.run_for(12_000)
        assert len(asked) == 1
        # In steps shorter than the script's own patience, which the clock also drives.
        while len(asked) < 2:
            await page.clock.run_for(3_000)
        await expect(page.locator("[data-count]")).to_have_text("300\u00a0001")
        await expect(page.locator("[data-goal]")).to_have_text("400\u00a0000")
        await expect(page.locator("[data-next]")).to_have_text("350\u00a0000")
        assert await page.locator("progress").evaluate("bar => [bar.value, bar.max]") == [300_001, 400_000]


async def test_the_counter_asks_seldom_and_only_while_it_is_seen(opened: Opened) -> None:
    async with opened(reduced_motion="reduce") as (page, site):
        figures = {"count": 300_001, "goal": 400_000, "next_milestone": 350_000}
        asked: list[str] = []

        def answer(request: Request) -> tuple[int, str, bytes] | None:
            if "/count" not in request.url:
                return None
            asked.append(request.url)
            return 200, "application/json", json.dumps(figures).encode()

        async def turn(hidden: str) -> None:
            await page.evaluate(
                f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}});"
                "document.dispatchEvent(new Event('visibilitychange'))"
            )

        site.answer = answer
        site.pages["/petition"] = render_page(every_page("uk")["petition"])
        await page.clock.install()
        await page.goto(f"{SITE}/petition")
        await page.clock.run_for(8_000)
        assert not asked, "the page itself has just said it"
        await page.clock.run_for(4_000)
        await expect(page.locator("[data-count]")).to_have_text("300\u00a0001")
        await turn("true")
        await page.clock.run_for(600_000)
        assert len(asked) == 1, "nobody looks"
        await turn("false")
        while len(asked) < 2:
            await page.clock.run_for(3_000)
        assert all("?" not in url for url in asked), "one address for all, which caches may keep"


async def test_leaving_in_a_hurry_blanks_the_page_and_leaves_no_way_back(opened: Opened) -> None:
    async with opened() as (page, site):
        site.answer = lambda request: (200, "text/html", b"<p>Rain.") if request.url == EXIT_URL else None
        site.pages["/petition"] = render_page(every_page("en")["petition"])
        await page.goto(f"{SITE}/petition")
        before = await page.evaluate("history.length")
        await page.locator(".exit").click()
        await expect(page.get_by_text("Rain.")).to_be_visible()
        assert await page.evaluate("history.length") == before


async def test_a_checked_payment_changes_the_page_by_itself(opened: Opened) -> None:
    path = f"/donations/{TOKEN}"
    async with opened() as (page, site):
        site.pages[path] = render_page(every_page("en")["donation-checking"])
        await page.clock.install()
        await page.goto(SITE + path)
        site.pages[path] = render_page(every_page("en")["donation-succeeded"])
        await page.clock.run_for(5_000)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for giving £25")


async def test_without_scripts_the_page_of_a_checked_payment_loads_again(opened: Opened) -> None:
    path = f"/donations/{TOKEN}"
    async with opened(java_script_enabled=False) as (page, site):
        site.pages[path] = render_page(every_page("en")["donation-checking"]).replace(
            b'content="3"', b'content="1"'
        )
        await page.goto(SITE + path)
        site.pages[path] = render_page(every_page("en")["donation-unknown"])
        await expect(page.get_by_role("heading", level=1)).to_contain_text("We do not know yet")


async def test_the_summary_of_mistakes_has_the_focus_and_leads_to_the_fields(opened: Opened) -> None:
    async with opened(java_script_enabled=False) as (page, site):
        site.pages["/petition"] = render_page(every_page("en")["petition-errors"])
        await page.goto(f"{SITE}/petition")
        await expect(page.locator(".summary")).to_be_focused()
        await page.get_by_role("link", name="Choose the country you live in.").click()
        await expect(page.locator("#country")).to_be_focused()


async def test_the_trap_cannot_be_seen_or_reached(opened: Opened) -> None:
    async with opened() as (page, site):
        site.pages["/petition"] = render_page(every_page("en")["petition"])
        await page.goto(f"{SITE}/petition")
        await expect(page.locator("[name=website]")).to_be_hidden()


async def test_an_article_shows_live_figures_when_haven_answers(opened: Opened) -> None:
    async with opened(800) as (page, site):
        asked: list[str] = []

        def answer(request: Request) -> tuple[int, str, bytes] | None:
            asked.append(request.url)
            if request.url == f"{SITE}/embed.js":
                return 200, "text/javascript", assets()["embed.js"].body
            return (200, "text/html", ARTICLE.encode()) if request.url == "https://paper.test/" else None

        site.answer = answer
        site.pages["/embed/refugees-welcome"] = render_page(every_page("uk")["embed"])
        site.pages["/petitions/open-the-door"] = render_page(every_page("uk")["petition"])
        await page.goto("https://paper.test/")
        await expect(page.locator("[data-haven]")).to_be_hidden()
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_text("265\u00a0826")).to_be_visible()
        box = await page.locator("iframe").bounding_box()
        inner = await frame.locator("main").bounding_box()
        assert box is not None
        assert inner is not None
        assert abs(box["height"] - inner["height"]) <= 1
        assert f"{SITE}/embed/refugees-welcome?placement=mariupol-report&lang=uk" in asked
        assert await page.locator("iframe").get_attribute("title") == "Ласкаво просимо, біженці"
        # A frame opens its links in the whole window.
        await frame.get_by_role("link", name="Підписати петицію").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Відчиніть двері людям, які тікають з України"
        )
        assert "placement=mariupol-report" in page.url


async def test_an_article_keeps_its_plain_links_when_haven_is_slow(opened: Opened) -> None:
    async with opened(800) as (page, site):

        def answer(request: Request) -> tuple[int, str, bytes] | None:
            if request.url == f"{SITE}/embed.js":
                return 200, "text/javascript", assets()["embed.js"].body
            if request.url == "https://paper.test/":
                return 200, "text/html", ARTICLE.encode()
            # Haven answers, but with something that never says how tall it is.
            return 503, "text/html", b"<p>Busy."

        site.answer = answer
        await page.clock.install()
        await page.goto("https://paper.test/")
        await expect(page.locator("iframe")).to_be_attached()
        await expect(page.locator("[data-haven]")).to_be_visible()
        await asyncio.sleep(0.1)
        await page.clock.run_for(3_100)
        await expect(page.locator("iframe")).not_to_be_attached()
        await expect(page.locator("[data-haven]")).to_be_visible()


async def test_a_stranger_in_the_article_cannot_resize_the_frame(opened: Opened) -> None:
    async with opened(800) as (page, site):

        def answer(request: Request) -> tuple[int, str, bytes] | None:
            if request.url == f"{SITE}/embed.js":
                return 200, "text/javascript", assets()["embed.js"].body
            return (200, "text/html", ARTICLE.encode()) if request.url == "https://paper.test/" else None

        site.answer = answer
        site.pages["/embed/refugees-welcome"] = render_page(every_page("en")["embed"])
        await page.goto("https://paper.test/")
        await expect(page.locator("[data-haven]")).to_be_hidden()
        before = await page.locator("iframe").evaluate("frame => frame.style.height")
        await page.evaluate("postMessage({haven: 'refugees-welcome', height: 999}, '*')")
        await page.evaluate("new Promise(done => setTimeout(done, 50))")
        assert await page.locator("iframe").evaluate("frame => frame.style.height") == before
