"""An editor logs in on the staff port and reads the report."""

from collections.abc import AsyncIterator
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.journeys.browsing import Visit, faults
from tests.journeys.figures import REPORT, StaffDesk
from tests.journeys.running import Running

PASSWORD = "a long and quiet password"


@pytest.fixture
async def door(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    """The staff port, before anybody has logged in."""
    headers = {"origin": running.staff}
    async with httpx.AsyncClient(base_url=running.staff, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def editor(running: Running) -> str:
    """An account of their own."""
    email = f"editor.{token_hex(4)}@haven.example"
    running.make_staff(email, PASSWORD)
    return email


async def test_an_editor_logs_in_and_sees_how_it_goes(running: Running, visit: Visit, editor: str) -> None:
    async with visit(scripts=False) as page:
        await page.goto(f"{running.staff}{REPORT}")
        assert "/login" in page.url
        await page.get_by_label("E-mail address").fill(editor)
        await page.get_by_label("Password").fill("not this one, certainly")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_label("E-mail address")).to_have_value(editor)
        await expect(page.locator("[role=alert]")).to_be_visible()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await expect(page).to_have_url(f"{running.staff}{REPORT}")
        await expect(page.locator("svg").first).to_be_visible()
        await expect(page.get_by_role("table").first).to_be_visible()
        await page.get_by_role("button", name="Log out").click()
        await page.goto(f"{running.staff}{REPORT}")
        assert "/login" in page.url
    async with visit(width=390) as page:
        await page.goto(f"{running.staff}/login")
        assert await faults(page) == []
        await page.get_by_label("E-mail address").fill(editor)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        for path in ("/", REPORT, "/account"):
            await page.goto(f"{running.staff}{path}")
            assert await faults(page) == [], path


async def test_whoever_guesses_is_locked_out_for_a_while(door: httpx.AsyncClient, editor: str) -> None:
    desk = StaffDesk(door)
    unknown = f"nobody.{token_hex(4)}@haven.example"
    bodies = []
    for email in (editor, unknown):
        answers = [await desk.log_in(email, f"guess number {guess}") for guess in range(7)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:4] == [401] * 4
        assert statuses[-1] == 429
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        bodies.append(answers[0].text.replace(email, "…"))
    assert bodies[0] == bodies[1]  # whether there is such an account is nobody's business
    assert (await desk.log_in(editor, PASSWORD)).status_code == 429


async def test_a_session_is_new_at_login_and_its_cookie_is_kept_close(
    door: httpx.AsyncClient, editor: str
) -> None:
    desk = StaffDesk(door)
    tokens = []
    for _ in range(2):
        answer = await desk.log_in(editor, PASSWORD)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].casefold()
        for part in ("httponly", "samesite=strict", "path=/"):
            assert part in cookie
        tokens.append(next(iter(door.cookies.jar)).value)
    assert tokens[0] != tokens[1]
    name = next(iter(door.cookies.jar)).name
    old = await door.get(REPORT, cookies=None, headers={"cookie": f"{name}={tokens[0]}"})
    assert old.status_code in (200, 303)
    assert (await door.get(REPORT)).headers["cache-control"] == "no-store"


async def test_forms_from_elsewhere_are_refused(door: httpx.AsyncClient, editor: str) -> None:
    form = {"email": editor, "password": PASSWORD}
    for origin in ("https://evil.example", "null"):
        answer = await door.post("/login", data=form, headers={"origin": origin})
        assert answer.status_code == 403
    await StaffDesk(door).log_in(editor, PASSWORD)
    assert (await door.post("/logout", data={"csrf_token": "guessed"})).status_code == 403
    assert (await door.get(REPORT)).status_code == 200


async def test_files_start_no_formula(staff: StaffDesk) -> None:
    for table in ("days", "placements"):
        for row in await staff.rows(table):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values()), row
