"""Suzie reads under an article, signs and gives; her browser runs no scripts."""

import re
from decimal import Decimal

import psycopg
from playwright.async_api import Page, expect

from tests.journeys.browsing import Visit
from tests.journeys.figures import APPEAL, PETITION, PublicFigures, StaffDesk
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, pay, person, sign
from tests.journeys.running import Running
from tests.journeys.waiting import until


async def test_suzie_signs_confirms_and_gives_without_scripts(
    running: Running,
    visit: Visit,
    mailbox: Mailbox,
    figures: PublicFigures,
    staff: StaffDesk,
    superuser: psycopg.Connection,
) -> None:
    suzie = person("Suzie Fenn", postcode="N1 9GU")
    before = await figures.count(), await figures.raised()
    staff_before = await staff.total("confirmed"), await staff.total("given_gbp")
    async with visit(scripts=False) as page:
        await page.goto(f"{running.public}/")
        await page.get_by_role("link", name="Refugees Welcome").first.click()
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await sign(page, suzie)
        link = await _reads_her_mail(page, suzie, mailbox)
        await _confirms(page, link, before[0], figures, superuser)
        await _offers_to_show_her_name(page, link, superuser)
        await page.goto(link)
        await _gives(page, suzie, mailbox)
    await until(figures.count, lambda count: count == before[0] + 1)
    await until(figures.raised, lambda raised: raised == before[1] + 2500)
    assert await staff.total("confirmed") == staff_before[0] + 1
    assert await staff.total("given_gbp") == staff_before[1] + Decimal(25)
    page_of_staff = await staff.page()
    assert "<svg" in page_of_staff
    assert await staff.shown("Confirmed") == f"{staff_before[0] + 1:,}"
    assert await staff.shown("Given, after refunds") == _pounds(staff_before[1] + 25)


async def _reads_her_mail(page: Page, suzie: Person, mailbox: Mailbox) -> str:
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your signature does not count until you confirm it"
    )
    await expect(page.locator(".address").first).to_have_text(suzie.email)
    assert suzie.email not in page.url
    mail = await mailbox.newest(suzie.email)
    assert mail.subject == "Please confirm your e-mail address"
    for word in ("refugee", "petition", "sign", "Suzie"):
        assert word.casefold() not in (mail.subject + mail.sender).casefold()
    assert mail.link in mail.html
    assert mail.headers["Message-ID"]
    return mail.link


async def _confirms(
    page: Page, link: str, count: int, figures: PublicFigures, superuser: psycopg.Connection
) -> None:
    rows = "select count(*), count(*) filter (where state = 'confirmed') from signatures"
    held = superuser.execute(rows).fetchone()
    for _ in range(3):  # scanners open links, and more than once
        await page.goto(link)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your signature")
    assert superuser.execute(rows).fetchone() == held
    assert await figures.count() == count
    await page.get_by_role("button", name="Yes, count my signature").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your signature counts.")
    await expect(page.locator(".figure strong").first).to_have_text(f"{count + 1:,}")
    await page.reload()
    await expect(page.locator(".figure strong").first).to_have_text(f"{count + 1:,}")
    await expect(page.get_by_role("link", name="Open your page")).to_be_visible()


async def _offers_to_show_her_name(page: Page, link: str, superuser: psycopg.Connection) -> None:
    await expect(page.get_by_label("Show my name among those who signed")).not_to_be_checked()
    await page.get_by_label("Show my name among those who signed").check()
    await page.get_by_label("The name to show").fill("Suzie F.")
    await page.get_by_label("A comment to show").fill("Because we can.")
    await page.get_by_role("button", name="Save what may be shown").click()
    await expect(page.get_by_role("status")).to_contain_text("has been saved")
    shown = "select comment, comment_approved_at from published_signers where name = 'Suzie F.'"

    async def published() -> list[tuple[object, ...]]:
        return superuser.execute(shown).fetchall()

    assert await until(published) == [("Because we can.", None)]
    await page.goto(link.replace("/confirm/", "/my/"))
    await expect(page.get_by_text("Your comment waits for an editor.")).to_be_visible()
    await page.get_by_label("Show my name among those who signed").uncheck()
    await page.get_by_role("button", name="Save what may be shown").click()
    assert await until(published, lambda rows: rows == []) == []


async def _gives(page: Page, suzie: Person, mailbox: Mailbox) -> None:
    form = page.locator(f"form[action*='/appeals/{APPEAL}']")
    await expect(form.get_by_label("Your e-mail address")).to_have_value(suzie.email)
    await expect(form.get_by_label("Your name")).to_have_value(suzie.name)
    await form.get_by_label("£25").check()
    await form.get_by_role("button", name="Review your gift").click()
    for word in ("registered charity", "fee", "refund", "Stripe", "JavaScript"):
        await expect(page.locator("main")).to_contain_text(word, ignore_case=True)
    await page.get_by_role("button", name="Give £25 once").click()
    await expect(page.locator("#email")).to_have_value(suzie.email)
    await pay(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Thank you for giving £25", timeout=20_000
    )
    mail = await mailbox.newest(suzie.email, 2)
    assert mail.subject == "Your receipt"
    assert "£25" in mail.text
    assert "registered charity" in mail.text
    assert mail.link == page.url.partition("?")[0]


async def test_mistakes_keep_every_answer_and_point_at_their_field(
    running: Running, visit: Visit, mailbox: Mailbox, figures: PublicFigures
) -> None:
    count = await figures.count()
    async with visit(scripts=False) as page:
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await page.locator("#name").fill("Suzie <b>Fenn</b> O’Neil")
        await page.locator("#email").fill("suzie at example")
        await page.locator("#country").select_option("GB")
        await page.locator("#postcode").fill("nonsense")
        await page.locator("input[name=updates][value=yes]").check()
        await page.locator("#sign button[type=submit]").click()
        for field in ("email", "postcode", "consent"):
            await expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
            await expect(page.locator(f"#{field}-problem")).not_to_be_empty()
            await expect(page.locator(f"[role=alert] a[href='#{field}']")).to_have_count(1)
        await expect(page.locator("#name")).to_have_value("Suzie <b>Fenn</b> O’Neil")
        await expect(page.locator("#name")).not_to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#email")).to_have_value("suzie at example")
        await expect(page.locator("#country")).to_have_value("GB")
        await expect(page.locator("#postcode")).to_have_value("nonsense")
        await expect(page.locator("input[name=updates][value=yes]")).to_be_checked()
        await expect(page).to_have_title(re.compile("^Please check your answers"))
        suzie = person("Suzie Fenn")
        await page.locator("#email").fill(suzie.email)
        await page.locator("#postcode").fill("")
        await page.locator("#consent").check()
        await page.locator("#sign button[type=submit]").click()
        await expect(page.locator(".address").first).to_have_text(suzie.email)
    await mailbox.newest(suzie.email)
    assert await figures.count() == count


async def test_a_typo_is_suggested_and_the_address_can_be_changed(
    running: Running, visit: Visit, mailbox: Mailbox
) -> None:
    suzie = person("Suzie Fenn", domain="gmial.com")
    right = suzie.email.replace("gmial", "gmail")
    async with visit(scripts=False) as page:
        await page.goto(f"{running.public}/petitions/{PETITION}")
        await sign(page, suzie)
        await expect(page.locator(".address").first).to_have_text(suzie.email)
        await expect(page.locator(".suggestion")).to_contain_text(right)
        await page.get_by_role("button", name="Yes, write to that address").click()
        await expect(page.locator(".address").first).to_have_text(right)
        await expect(page.locator(".suggestion")).to_have_count(0)
        assert (await mailbox.newest(right)).to == right
        await page.get_by_role("button", name="Send the mail again").click()
        await expect(page.get_by_role("status")).to_contain_text("once more")
        first, second = (await mailbox.newest(right, 2), (await mailbox.all(right))[0])
        assert first.link == second.link
        other = person("Suzie Fenn").email
        await page.get_by_label("Or use another address").fill(other)
        await page.get_by_role("button", name="Write to this address").click()
        await expect(page.locator(".address").first).to_have_text(other)
        assert (await mailbox.newest(other)).link != first.link


def _pounds(amount: Decimal) -> str:
    return f"£{amount:,.2f}".removesuffix(".00")
