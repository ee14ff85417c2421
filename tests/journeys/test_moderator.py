"""A moderator meets a bot wave: is told, looks, invalidates, sees the count fall, and takes it back."""

import asyncio
import re
from secrets import token_hex

import httpx
import psycopg
import pytest
from playwright.async_api import Page, expect

from tests.journeys.browsing import Visit, faults
from tests.journeys.figures import PETITION, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Running
from tests.journeys.signing import SIGN, all_quiet, form_of, sign_and_confirm
from tests.journeys.waiting import until

PASSWORD = "a long and quiet password"
BOTS, CONFIRMED = 60, 10
_FOCUS_IS_SEEN = """() => {
    const it = document.activeElement;
    const outlined = other => other && getComputedStyle(other).outlineStyle !== "none";
    return it === document.body || Boolean(outlined(it) || outlined(it.closest(".choice")));
}"""


@pytest.fixture
def moderator(running: Running) -> str:
    email = f"moderator.{token_hex(4)}@haven.example"
    running.make_staff(email, PASSWORD)
    return email


async def _wave(api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection) -> None:
    """Sixty from one network and domain within seconds; ten of them have mailboxes."""
    domain = f"{token_hex(4)}.example.com"
    bots = [Person(f"Gizmo {n}", f"g{n}@{domain}") for n in range(BOTS)]
    # A network that no other journey has come from.
    headers = {"X-Forwarded-For": f"198.18.{int(token_hex(1), 16)}.{int(token_hex(1), 16)}"}
    forms = [await form_of(api, bot) for bot in bots]
    answers = await asyncio.gather(*(api.post(SIGN, json=form, headers=headers) for form in forms))
    assert {answer.status_code for answer in answers} == {202}
    await all_quiet(superuser)
    for bot in bots[:CONFIRMED]:
        token = (await mailbox.newest(bot.email)).token
        assert (await api.post("/api/v1/signatures/confirm", json={"token": token})).status_code == 200


async def _log_in(page: Page, running: Running, email: str) -> None:
    await page.goto(f"{running.staff}/abuse")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def _find_report(page: Page, running: Running) -> None:
    """Have the worker look, and open the report about the network."""
    await page.get_by_role("button", name="Look now").click()
    await expect(page.get_by_role("status")).to_contain_text("The worker is looking")
    report = page.get_by_role("link", name=re.compile("^network ")).first

    async def is_told() -> bool:
        await page.goto(f"{running.staff}/abuse")
        return await report.count() > 0

    await until(is_told)
    await report.click()


async def _finished(page: Page, words: str) -> None:
    """Look again, by the link, until the worker is done."""

    async def heading() -> str:
        if await page.get_by_role("link", name="Look again").count():
            await page.get_by_role("link", name="Look again").click()
        return await page.locator("h1").inner_text()

    await until(heading, lambda text: text.endswith(words), 30)


async def _reasons(api: httpx.AsyncClient) -> dict[str, int]:
    petition = (await api.get(f"/api/v1/petitions/{PETITION}")).json()
    return {line["reason"]: line["signatures"] for line in petition["invalidated"]}


async def _shown(page: Page, running: Running) -> int:
    """How often the page says so, loaded anew; within a second, each process does."""
    await page.goto(f"{running.public}/petitions/{PETITION}")
    return await page.get_by_text("made by a machine").count()


async def test_a_wave_is_told_invalidated_and_given_back(
    running: Running,
    visit: Visit,
    api: httpx.AsyncClient,
    mailbox: Mailbox,
    figures: PublicFigures,
    superuser: psycopg.Connection,
    moderator: str,
) -> None:
    await sign_and_confirm(api, person("Suzie Fenn"), mailbox)
    before = await figures.count()
    await _wave(api, mailbox, superuser)
    await until(figures.count, lambda count: count == before + CONFIRMED)
    async with visit(scripts=False, width=390) as page:
        await _log_in(page, running, moderator)
        await _find_report(page, running)
        mail = await mailbox.newest(moderator)
        assert "from one network" in mail.text
        assert "Gizmo" not in mail.text
        await page.get_by_role("button", name="Show what matches").click()
        await expect(page.locator(".totals dd").first).to_have_text(str(BOTS))
        await expect(page.locator(".totals dd").nth(1)).to_have_text(str(CONFIRMED))
        await expect(page.get_by_role("cell", name="pending").first).to_be_visible()
        await expect(page.get_by_role("rowheader").first).to_contain_text("Gizmo")
        assert await figures.count() == before + CONFIRMED
        await page.get_by_label("Made by a machine").check()
        await page.get_by_role("button", name=f"Invalidate {BOTS}").click()
        await _finished(page, "done")
        await until(figures.count, lambda count: count == before)
        assert (await until(lambda: _reasons(api), lambda found: "bot" in found))["bot"] == BOTS
        await until(lambda: _shown(page, running), lambda times: times == 1)
        await expect(page.get_by_text("made by a machine")).to_contain_text(str(BOTS))

        await page.goto(f"{running.staff}/sweeps")
        await page.get_by_role("link", name=re.compile("^Undo")).first.click()
        await page.get_by_role("button", name="Undo it").click()
        await _finished(page, "undone")
        await until(figures.count, lambda count: count == before + CONFIRMED)
        await until(lambda: _reasons(api), lambda found: "bot" not in found)


async def test_a_moderator_needs_no_mouse_and_axe_finds_nothing(
    running: Running, visit: Visit, moderator: str
) -> None:
    async with visit(width=320) as page:
        await _log_in(page, running, moderator)
        await expect(page.locator("h1")).to_have_text("Against abuse")
        await page.goto(f"{running.staff}/petitions/{PETITION}/decide?placement=nowhere")
        assert await faults(page) == []
        for _ in range(60):
            await page.keyboard.press("Tab")
            assert await page.evaluate(_FOCUS_IS_SEEN), await page.evaluate(
                "document.activeElement.outerHTML"
            )
            if await page.evaluate("document.activeElement.textContent") == "Show what matches":
                break
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Nothing matches.")).to_be_visible()
        assert await faults(page) == []
        for path in ("/abuse", f"/petitions/{PETITION}/abuse", "/sweeps", "/lists", "/account"):
            await page.goto(f"{running.staff}{path}")
            assert await faults(page) == [], path
