"""A newsroom pastes the call to action from `docs/embedding.md` under an article."""

import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import pytest
from playwright.async_api import Page, Route, expect

from tests.journeys.browsing import Visit
from tests.journeys.figures import APPEAL, CAMPAIGN, PETITION, Placed, StaffDesk
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import pay, person, sign
from tests.journeys.running import ROOT, Running, free_ports
from tests.journeys.waiting import until


@dataclass
class Newspaper:
    """Another site, with an article of which every placement has one."""

    port: int
    haven: str
    snippet: str = field(init=False)

    def __post_init__(self) -> None:
        found = re.search(
            r"```html\n(<div data-haven>.*?</script>)\n```", _DOCS.read_text("utf-8"), re.DOTALL
        )
        assert found
        self.snippet = found[1]

    def article(self, placement: str, haven: str) -> str:
        """The page: the snippet as pasted, with the paper's own address, slugs and placement."""
        pasted = re.sub(r"/petitions/[\w-]+", f"/petitions/{PETITION}", self.snippet)
        pasted = re.sub(r"/appeals/[\w-]+", f"/appeals/{APPEAL}", pasted)
        pasted = re.sub(r'data-campaign="[^"]+"', f'data-campaign="{CAMPAIGN}"', pasted)
        pasted = pasted.replace("https://haven.example", haven).replace("mariupol-report", placement)
        return (
            f'<!doctype html><html lang="en"><head><title>An article</title></head><body><h1>An article</h1>'
            f"<p>Words.</p>{pasted}<p>More words.</p></body></html>"
        )

    def url(self, placement: str, haven_port: int | None = None) -> str:
        down = f"?haven={haven_port}" if haven_port else ""
        return f"http://127.0.0.1:{self.port}/{placement}{down}"


_DOCS = Path(ROOT / "docs" / "embedding.md")


@pytest.fixture(scope="module")
def paper(running: Running) -> Iterator[Newspaper]:
    """The newspaper's own server, on a port of its own."""
    made = Newspaper(free_ports(1)[0], running.public)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            placement, _, port = self.path.lstrip("/").partition("?haven=")
            body = made.article(placement, f"http://127.0.0.1:{port}" if port else made.haven).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", made.port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


async def test_the_plain_links_bring_signatures_and_gifts_of_the_article(
    running: Running, visit: Visit, paper: Newspaper, mailbox: Mailbox, staff: StaffDesk
) -> None:
    placement, reader = f"article-{token_hex(4)}", person("Rosa Lind", country="SE")
    async with visit(scripts=False) as page:
        await page.goto(paper.url(placement))
        await page.get_by_role("link", name="Sign the petition").click()
        assert page.url.endswith(f"/petitions/{PETITION}?placement={placement}")
        await sign(page, reader)
        await page.goto((await mailbox.newest(reader.email)).link)
        await page.get_by_role("button").first.click()
        await expect(page.locator("h1")).to_contain_text("counts")
        await page.goto(paper.url(placement))
        await page.get_by_role("link", name="Give to the appeal").click()
        await page.get_by_label("£10").check()
        await page.get_by_label("Your e-mail address").fill(reader.email)
        await page.get_by_role("button", name="Review your gift").click()
        await page.get_by_role("button", name="Give £10 once").click()
        await pay(page)
        await expect(page.locator("[data-state=succeeded]")).to_be_visible(timeout=20_000)
    brought = await until(lambda: staff.placed(placement), lambda placed: placed.donations == 1)
    assert brought == Placed(signed=1, confirmed=1, donations=1, given=brought.given)
    assert brought.given == 10
    assert placement in await staff.page()


async def test_with_scripts_the_frame_takes_the_links_place(
    running: Running, visit: Visit, paper: Newspaper
) -> None:
    async with visit(language="uk-UA") as page:
        await page.goto(paper.url("front-page"))
        frame = page.frame_locator("iframe")
        await expect(frame.locator("[data-count]")).to_be_visible()
        await expect(frame.locator("html")).to_have_attribute("lang", "uk")
        await expect(page.locator("[data-haven]")).to_be_hidden()
        assert int(await page.locator("iframe").evaluate("it => it.clientHeight")) > 100
        assert await page.locator("iframe").get_attribute("title")
        await frame.locator(f"a[href*='/petitions/{PETITION}']").click()
        await expect(page.locator("#name")).to_be_visible()
        assert page.url.startswith(running.public)
        assert "placement=front-page" in page.url
        assert await page.context.cookies() == []


async def _links_stay(page: Page) -> None:
    await expect(page.get_by_role("link", name="Sign the petition")).to_be_visible()
    await expect(page.get_by_role("link", name="Give to the appeal")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(0)


async def test_when_haven_is_down_the_article_is_as_it_was(visit: Visit, paper: Newspaper) -> None:
    async with visit() as page:
        await page.goto(paper.url("front-page", haven_port=free_ports(1)[0]))
        await page.wait_for_timeout(500)
        await _links_stay(page)


@pytest.mark.parametrize("trouble", ["slow", "broken"])
async def test_when_haven_is_slow_or_broken_the_links_stay(
    visit: Visit, paper: Newspaper, trouble: str
) -> None:
    asked = []

    async def embed(route: Route) -> None:
        asked.append(route.request.url)
        if trouble == "broken":
            await route.fulfill(status=500, content_type="text/html", body="<h1>It broke.</h1>")

    async with visit() as page:
        await page.route("**/embed/**", embed)
        await page.goto(paper.url("front-page"), wait_until="commit")
        await expect(page.locator("iframe")).to_have_count(1)
        await expect(page.get_by_role("link", name="Sign the petition")).to_be_visible()
        await expect(page.locator("iframe")).to_have_count(0, timeout=4_000)
        await _links_stay(page)
        assert asked
