"""Amal reads Arabic and gives euros; not everything works at the first try."""

from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from playwright.async_api import Page, expect

from tests.journeys.browsing import Visit
from tests.journeys.figures import APPEAL, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import DECLINED, ERRING, GOOD, POOR, SECURE, Person, pay, person
from tests.journeys.running import Running
from tests.journeys.saying import said
from tests.journeys.waiting import until

NOT_CHARGED = said("ar", "You have not been charged")
UNKNOWN = said("ar", "We do not know yet whether you have paid")
STRIPE = {"Authorization": "Bearer sk_test_haven_simulator"}


def amal() -> Person:
    somebody = person("amal Haddad", country="LB")
    return Person("أمل حداد", somebody.email, "LB", mark=somebody.mark)


async def _goes_to_pay(page: Page, running: Running, somebody: Person, amount: int = 2500) -> None:
    await page.goto(f"{running.public}/appeals/{APPEAL}?lang=ar&currency=EUR")
    await _is_arabic(page)
    await _fills_in(page, somebody, amount)


async def _fills_in(page: Page, somebody: Person, amount: int = 2500) -> None:
    await page.locator(f"input[name=amount][value='{amount}']").check()
    await page.locator("#give-email").fill(somebody.email)
    await page.locator("#give-name").fill(somebody.name)
    button = page.locator("#give button[type=submit]")
    await expect(button).to_contain_text("25")
    await button.click()
    await expect(page.locator("#cardNumber")).to_be_visible()


async def _is_arabic(page: Page) -> None:
    await expect(page.locator("html")).to_have_attribute("lang", "ar")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")


async def _is_told_that_nothing_was_charged(page: Page, somebody: Person) -> None:
    """In Arabic, with everything filled in as it was."""
    await _is_arabic(page)
    await expect(page.locator("h1")).to_have_text(NOT_CHARGED)
    await expect(page.locator("input[name=amount][value='2500']")).to_be_checked()
    await expect(page.locator("input[name=currency]")).to_have_value("EUR")
    await expect(page.locator("#give-email")).to_have_value(somebody.email)
    await expect(page.locator("#give-name")).to_have_value(somebody.name)


async def test_amal_is_declined_comes_back_and_gives(
    running: Running, visit: Visit, mailbox: Mailbox, figures: PublicFigures
) -> None:
    somebody, before = amal(), await figures.raised("EUR")
    async with visit(language="ar-LB") as page:
        await _goes_to_pay(page, running, somebody)
        for card, reason in (
            (DECLINED, "declined"),
            (POOR, "insufficient funds"),
            (ERRING, "error occurred"),
        ):
            await pay(page, card)
            await expect(page.locator("#error")).to_contain_text(reason)
        await page.locator("#cancel").click()
        await _is_told_that_nothing_was_charged(page, somebody)
        await page.locator("#give button[type=submit]").click()
        await pay(page, GOOD)
        await expect(page.locator("[data-state=succeeded]")).to_be_visible(timeout=20_000)
        await _is_arabic(page)
    await until(lambda: figures.raised("EUR"), lambda raised: raised == before + 2500)
    mails = await mailbox.all(somebody.email)
    receipt = await mailbox.newest(somebody.email)
    assert "25" in receipt.text
    assert "€" in receipt.text
    assert 'dir="rtl"' in receipt.html
    assert len(mails) <= 1  # a decline with a page still open is no news for a mailbox


async def test_amal_cancels_and_everything_is_kept(
    running: Running, visit: Visit, figures: PublicFigures
) -> None:
    somebody, before = amal(), await figures.raised("EUR")
    async with visit(scripts=False, language="en-GB") as page:
        await page.goto(f"{running.public}/appeals/{APPEAL}?lang=ar&currency=EUR")
        await page.locator("input[name=amount][value='2500']").check()
        await page.locator("#give-email").fill(somebody.email)
        await page.locator("#give-name").fill(somebody.name)
        await page.locator("#give button[type=submit]").click()
        await page.locator("main form button").first.click()
        await page.locator("#cancel").click()
        # Her browser says English; the language she chose on our page came back with her all the same.
        await _is_told_that_nothing_was_charged(page, somebody)
    assert await figures.raised("EUR") == before


async def test_amals_bank_asks_whether_it_is_her(running: Running, visit: Visit, mailbox: Mailbox) -> None:
    somebody = amal()
    async with visit() as page:
        await _goes_to_pay(page, running, somebody)
        await pay(page, SECURE)
        await page.get_by_role("button", name="Fail authentication").click()
        await expect(page.locator("#error")).not_to_be_empty()
        await pay(page, SECURE)
        await page.get_by_role("button", name="Complete authentication").click()
        await expect(page.locator("[data-state=succeeded]")).to_be_visible(timeout=20_000)
    assert (await mailbox.newest(somebody.email)).link


async def test_the_payment_page_expires_while_amal_is_away(
    running: Running, visit: Visit, simulator: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    somebody = amal()
    async with visit() as page:
        await _goes_to_pay(page, running, somebody)
        payment_page = page.url
        session = urlsplit(payment_page).path.rpartition("/")[2]
        state = (await simulator.get("/_sim/state")).json()
        expired = await simulator.post(
            f"/v1/checkout/sessions/{session}/expire",
            headers=STRIPE | {"Stripe-Version": state["api_version"]},
        )
        assert expired.json()["status"] == "expired"
        await page.reload()
        await page.locator("#back").click()
        await _is_told_that_nothing_was_charged(page, somebody)
        await page.locator("#give button[type=submit]").click()
        await expect(page.locator("#cardNumber")).to_be_visible()
        assert page.url != payment_page
    assert await mailbox.all(somebody.email) == []  # she was told on the page


@pytest.mark.parametrize("kind", ["error_500_after", "reset_after", "reset_before"])
async def test_when_the_outcome_is_unknown_amal_is_told_not_to_pay_again(
    running: Running, visit: Visit, simulator: httpx.AsyncClient, superuser: psycopg.Connection, kind: str
) -> None:
    somebody = amal()
    operation = {"operation": "POST /v1/checkout/sessions", "kind": kind, "times": 20}
    async with visit(scripts=False) as page:
        await page.goto(f"{running.public}/appeals/{APPEAL}?lang=ar&currency=EUR")
        await page.locator("input[name=amount][value='2500']").check()
        await page.locator("#give-email").fill(somebody.email)
        await page.locator("#give button[type=submit]").click()
        (await simulator.post("/_sim/faults", json=operation)).raise_for_status()
        try:
            await page.locator("main form button").first.click()
            await expect(page.locator("h1")).to_have_text(UNKNOWN, timeout=30_000)
        finally:
            await simulator.post("/_sim/faults", json={"clear": True})
        await _is_arabic(page)
    newest = "select state from donations order by created_at desc limit 1"
    assert superuser.execute(newest).fetchone() == ("created",)  # the sweeper will know
