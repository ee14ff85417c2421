"""Proof of work in a browser and over the API: asked by staff, solved by the page's own script, good once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from playwright.async_api import Page, Route, expect

from tests.journeys.browsing import Visit, faults
from tests.journeys.figures import PETITION, PublicFigures
from tests.journeys.judged import judged
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person, sign
from tests.journeys.running import Own, Running, Second, own_public
from tests.journeys.signing import SIGN, all_quiet, form_of
from tests.journeys.waiting import until
from tests.petitions.test_proof_of_work import solve

PAGE = f"/petitions/{PETITION}"
CHALLENGE = f"/api/v1{PAGE}/challenge"
DISPOSABLE = "mailinator.com"
STATE = {
    "en-GB": "One moment: your browser does a little arithmetic",
    "uk-UA": "Хвилинку: ваш браузер трохи порахує",
    "ar": "لحظة من فضلك: يُجري متصفّحك عملية حسابية صغيرة",
}
READING_MS = 2_100
"""Nobody fills in a form in less than two seconds; who does is taken for a machine, to a degree."""


@pytest.fixture(scope="module")
def own(running: Running) -> Iterator[Own]:
    with own_public(running, "work-public") as started:
        yield started


@pytest.fixture(scope="module")
async def asked(running: Running, own: Own, second: Second) -> AsyncIterator[str]:
    """The address of a process that asks for work; its page came from memory before, without."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def asks(public: str) -> bool:
            return "data-work=" in (await client.get(public + PAGE)).text

        for public in (own.public, second.public):
            assert not await asks(public)
            assert not await asks(public)
        running.command("abuse", "ask-work", PETITION, "--hours", "1")
        for public in (own.public, second.public):
            await until(lambda public=public: asks(public))  # type: ignore[misc]  # bound at once
        yield own.public
        running.command("abuse", "ask-work", PETITION, "--hours", "0")
        for public in (running.public, own.public, second.public):
            await until(lambda public=public: asks(public), lambda found: not found)  # type: ignore[misc]


async def fill_in(page: Page, public: str, somebody: Person) -> None:
    """Open the page, read for as long as people do, and send the form."""
    await page.goto(public + PAGE)
    await expect(page.locator("form[data-work]")).to_have_count(1)
    await page.wait_for_timeout(READING_MS)
    await sign(page, somebody)


@pytest.mark.parametrize("language", STATE)
async def test_the_pages_script_works_says_so_and_the_signature_weighs_less(
    running: Running,
    asked: str,
    visit: Visit,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    language: str,
) -> None:
    somebody, held = person("Amina", country="UA", domain=DISPOSABLE), asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    async with visit(language=language, width=360) as page:
        await page.route("**" + CHALLENGE, hold)
        await fill_in(page, asked, somebody)
        state = page.get_by_role("status").filter(has_text=STATE[language])
        await expect(state).to_be_visible()
        assert await faults(page) == []
        await page.locator("#sign-title ~ button").click()  # once more, in impatience
        held.set()
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("form[data-work]")).to_have_count(0)
        await expect(page.get_by_text(somebody.email).first).to_be_visible()
    await mailbox.newest(somebody.email)
    # 45 for an address to throw away, 20 off for the work; without it, this one waits apart (see below).
    assert judged(running, superuser, somebody).score == 25
    assert not judged(running, superuser, somebody).apart


async def test_without_scripts_the_mail_comes_first(
    running: Running,
    asked: str,
    visit: Visit,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    figures: PublicFigures,
) -> None:
    plain, suspect = person("Ihor"), person("Mykola", domain=DISPOSABLE)
    before = await figures.count()
    for somebody in (plain, suspect):
        async with visit(scripts=False) as page:
            await fill_in(page, asked, somebody)
            await expect(page.locator("form[data-work]")).to_have_count(0)
        mail = await mailbox.newest(somebody.email)
        found = judged(running, superuser, somebody)
        assert (found.score, found.apart) == ((60, False) if somebody is plain else (105, True))
        assert await figures.count() == before, "nobody counts before the mail is confirmed"
        async with visit(scripts=False) as page:
            await page.goto(mail.link)
            await page.get_by_role("button").first.click()
            await expect(page.locator("h1")).to_contain_text("counts")
        before += 1
        await until(figures.count, lambda count, due=before: count == due)  # type: ignore[misc]
        assert not judged(running, superuser, somebody).apart


@pytest.mark.parametrize("trouble", ["no subtle crypto", "no challenge", "nonsense"])
async def test_whatever_fails_the_form_is_sent_all_the_same(
    running: Running,
    asked: str,
    visit: Visit,
    mailbox: Mailbox,
    superuser: psycopg.Connection,
    trouble: str,
) -> None:
    somebody = person("Taras")
    async with visit() as page:
        if trouble == "no subtle crypto":  # as over plain http on any host but this machine
            await page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
        if trouble == "no challenge":
            await page.route("**" + CHALLENGE, lambda route: route.abort())
        if trouble == "nonsense":
            await page.route("**" + CHALLENGE, lambda route: route.fulfill(json={"challenge": "x"}))
        await fill_in(page, asked, somebody)
        await expect(page.locator("form[data-work]")).to_have_count(0)
    await mailbox.newest(somebody.email)
    assert judged(running, superuser, somebody).score == 60


async def test_after_back_the_form_works_once_more(
    running: Running, asked: str, visit: Visit, mailbox: Mailbox, superuser: psycopg.Connection
) -> None:
    first, other = person("Lesia"), person("Marta")
    async with visit() as page:
        await fill_in(page, asked, first)
        await expect(page.locator("form[data-work]")).to_have_count(0)
        await page.go_back()
        await sign(page, other)
        await expect(page.locator("form[data-work]")).to_have_count(0)
    for somebody in (first, other):
        await mailbox.newest(somebody.email)
        # Filled in within two seconds, as a quick machine does, weighs 45 less the 20 of work; no work, 60.
        assert judged(running, superuser, somebody).score <= 25, "a solution of its own for each"


async def test_one_solution_in_two_processes_at_once_is_good_once(
    running: Running, asked: str, second: Second, superuser: psycopg.Connection
) -> None:
    async with (
        httpx.AsyncClient(base_url=asked, trust_env=False, timeout=30) as one,
        httpx.AsyncClient(base_url=second.public, trust_env=False, timeout=30) as two,
    ):
        for _ in range(10):
            solution = solve((await one.get(CHALLENGE)).json())
            people = [person(f"Twin{n}") for n in range(4)]
            bodies = [await form_of(one, somebody, altcha=solution) for somebody in people]
            answers = await asyncio.gather(
                *((one, two)[n % 2].post(SIGN, json=body) for n, body in enumerate(bodies))
            )
            assert sorted(answer.status_code for answer in answers) == [202, 422, 422, 422]
            refused = {answer.json()["code"] for answer in answers if answer.status_code == 422}
            assert refused == {"proof_of_work_invalid"}
        missing = await two.post(SIGN, json=await form_of(two, person("Nobody")))
        assert (missing.status_code, missing.json()["code"]) == (422, "proof_of_work_missing")
    await all_quiet(superuser)
