"""Olena reads Ukrainian on a small phone; she signs, withdraws, and signs again."""

import psycopg
from playwright.async_api import Page, expect

from tests.journeys.browsing import Visit
from tests.journeys.figures import PETITION, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person, sign
from tests.journeys.running import Running
from tests.journeys.saying import said
from tests.journeys.waiting import until

COUNTED = said("uk", "Thank you. Your signature counts.")


async def test_olena_signs_withdraws_and_signs_again(
    running: Running,
    visit: Visit,
    mailbox: Mailbox,
    figures: PublicFigures,
    superuser: psycopg.Connection,
) -> None:
    olena = Person("Олена Коваленко", person("olena").email, "UA")
    before = await figures.count()
    async with visit(width=320, language="uk-UA") as page:
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await _is_ukrainian_and_fits(page)
        await sign(page, olena, updates="yes")
        await _is_ukrainian_and_fits(page)
        mail = await mailbox.newest(olena.email)
        assert mail.subject == said("uk", "Please confirm your e-mail address")
        await page.goto(mail.link)
        await _is_ukrainian_and_fits(page)
        await page.locator("main form button").click()
        await expect(page.locator("h1")).to_have_text(COUNTED)
        await _is_ukrainian_and_fits(page)
        await until(figures.count, lambda count: count == before + 1)
        await _sees_what_is_held(page, olena)
        await _withdraws(page, mail.token, superuser)
        await until(figures.count, lambda count: count == before)
        await page.goto(mail.link)
        await expect(page.locator("h1")).to_be_visible()
        assert (await page.request.get(mail.link)).status == 410
        await _signs_again(page, running, olena, mail.link, mailbox)
    await until(figures.count, lambda count: count == before + 1)


async def _is_ukrainian_and_fits(page: Page) -> None:
    await expect(page.locator("html")).to_have_attribute("lang", "uk")
    await expect(page.locator("html")).to_have_attribute("dir", "ltr")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def _sees_what_is_held(page: Page, olena: Person) -> None:
    await page.locator("a[href*='/my/']").first.click()
    await _is_ukrainian_and_fits(page)
    held = page.locator("dl.held")
    for shown in (olena.name, olena.email, "Україна"):
        await expect(held).to_contain_text(shown)
    await expect(page.locator(".consents li")).to_have_count(2)
    answer = await page.request.get(f"{page.url.partition('?')[0]}/data.json")
    body = await answer.json()
    assert (body["name"], body["email"], body["country"]) == (olena.name, olena.email, "UA")
    assert answer.headers["cache-control"] == "no-store"


async def _withdraws(page: Page, token: str, superuser: psycopg.Connection) -> None:
    await page.locator("a[href*='/withdraw']").click()
    await expect(page.locator("h1")).to_have_count(1)
    await page.locator("button.danger").click()
    await _is_ukrainian_and_fits(page)
    row = superuser.execute(
        "select s.state, s.details_sealed is null, s.own_copy is null, s.supporter_id is null "
        "from signatures s where s.link_hash = substr(sha256(convert_to(%s, 'UTF8')), 1, 16)",
        [token],
    ).fetchone()
    assert row == ("withdrawn", True, True, True)


async def _signs_again(page: Page, running: Running, olena: Person, old: str, mailbox: Mailbox) -> None:
    await page.goto(f"{running.public}/petitions/{PETITION}")
    await sign(page, olena)
    mail = await mailbox.newest(olena.email, 2)
    assert mail.link != old
    await page.goto(mail.link)
    await page.locator("main form button").click()
    await expect(page.locator("h1")).to_have_text(COUNTED)
