"""What staff see, in the system's Chromium: accessible, fitting, nothing refused by a policy."""

from datetime import date, timedelta
from typing import Literal

import psycopg
import pytest

from tests.factories import World
from tests.reports.conftest import Book, book
from tests.web.admin.conftest import Visitor
from tests.web.conftest import Opened
from tests.web.test_pages_axe import AXE, SCREENS, findings

__all__ = ["book"]

REPORT = "/campaigns/welcome/report"


async def bodies(visitor: Visitor) -> dict[str, bytes]:
    """Every page in its states, by a path of its own."""
    found = {
        "/login": await visitor.get("/login", sec_fetch_site="cross-site"),
        "/login-wrong": await visitor.log_in("wrong"),
        "/login-ended": await visitor.get("/login?ended=1"),
    }
    await visitor.log_in()
    form = {"csrf_token": await visitor.csrf_token(), "current": "wrong", "password": "violet anchor meadow"}
    found |= {
        "/list": await visitor.get("/"),
        "/report": await visitor.get(REPORT),
        "/report-all": await visitor.get(f"{REPORT}?range=all"),
        "/report-nothing": await visitor.get(f"{REPORT}?from=2024-01-01&to=2024-01-02"),
        "/report-wrong": await visitor.get(f"{REPORT}?from=x&to=y"),
        "/account": await visitor.get("/account?changed=1"),
        "/account-wrong": await visitor.post("/account", form),
        "/missing": await visitor.get("/campaigns/none/report"),
    }
    return {path: response.content for path, response in found.items()}


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_every_page_is_accessible_and_fits(
    opened: Opened,
    visitor: Visitor,
    book: Book,
    superuser: psycopg.Connection,
    world: World,
    width: int,
    scheme: Literal["dark", "light"],
) -> None:
    for days in range(0, 600, 3):
        book.tally(f"{date(2024, 8, 1) + timedelta(days=days)} 12:00", signed=30, confirmed=20 + days % 7)
    book.tally("2026-03-28 12:00", signed=1200, confirmed=1000, withdrawn=30, placement="front-page")
    for currency in ("GBP", "EUR", "JPY"):
        book.donation("2026-03-28 12:00", 250_000, currency, placement="front-page")
    book.refund("2026-03-29 12:00", 1000)
    superuser.execute(
        "insert into mails (kind, campaign_id, message_id, state, ended_at) "
        "values ('confirm', %s, 'm', 'failed', now())",
        (world.campaign_id,),
    )
    superuser.commit()
    pages = await bodies(visitor)
    async with opened(width, color_scheme=scheme, reduced_motion="reduce") as (page, site):
        site.pages = pages
        await page.add_init_script(AXE)
        found = [f"{path}: {finding}" for path in pages for finding in await findings(page, path)]
    assert not found, "\n".join(found)
    assert not site.complaints
    assert not site.strangers
