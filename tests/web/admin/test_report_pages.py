import csv
import io

import psycopg
import pytest

from app.reports.system import Health
from tests.factories import World
from tests.reports.conftest import Book, book
from tests.web.admin.conftest import Visitor

__all__ = ["book"]

REPORT = "/campaigns/welcome/report"


@pytest.fixture
async def reader(visitor: Visitor, book: Book) -> Visitor:
    book.tally("2026-03-29 09:00", signed=1200, confirmed=900, withdrawn=4, placement="front-page")
    book.donation("2026-03-29 11:00", 250_050, placement="front-page")
    book.refund("2026-03-30 11:00", 50)
    book.connection.commit()
    await visitor.log_in()
    return visitor


async def test_the_page_shows_tallies_ledger_and_conversion(reader: Visitor) -> None:
    page = await reader.get(REPORT)
    assert page.status_code == 200
    for told in ("1,200", "900", "75.0%", "£2,500.50", "£2,500", "£0.50", "front-page", "30 Mar 2026"):
        assert told in page.text
    assert "1–30 March 2026" in page.text


async def test_each_chart_names_itself_and_stands_beside_its_table(reader: Visitor) -> None:
    page = (await reader.get(REPORT)).text
    assert page.count('role="img"') == 4  # signatures and pounds, each for wide and narrow screens
    for part in ("title", "desc"):
        assert page.count(f'<{part} id="') == 4
    assert "The most were 900 confirmed on 29 March 2026." in page
    assert page.count("<table") == 4


@pytest.mark.parametrize(
    ("query", "days"),
    [("", 30), ("?range=7", 7), ("?range=90", 90), ("?range=all", 2), ("?from=2026-03-01&to=2026-03-05", 5)],
)
async def test_the_range_is_chosen_by_link_or_by_dates(reader: Visitor, query: str, days: int) -> None:
    page = await reader.get(REPORT + query)
    assert page.status_code == 200
    file = await reader.get(f"{REPORT}.csv{query}")
    assert len(file.text.splitlines()) == days + 1
    signatures = page.text.partition("Signatures, newest first")[2].partition("</table>")[0]
    if "from" not in query:
        assert signatures.count("<tr>") == days + 2


@pytest.mark.parametrize(
    "query", ["?from=x&to=2026-03-01", "?from=2026-03-05&to=2026-03-01", "?range=8", "?from=2026-03-05"]
)
async def test_dates_that_cannot_be_meant_are_said_and_kept(reader: Visitor, query: str) -> None:
    page = await reader.get(REPORT + query)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "1–30 March 2026" in page.text
    assert (await reader.get(f"{REPORT}.csv{query}")).status_code == 422


async def test_what_was_typed_is_escaped(reader: Visitor) -> None:
    page = await reader.get(
        REPORT + '?from="><b>&to=\ud83d\ude00'.encode("utf-16", "surrogatepass").decode("utf-16")
    )
    assert page.status_code == 422
    assert "<b>" not in page.text


async def test_the_file_is_named_kept_nowhere_and_counts_the_same(reader: Visitor) -> None:
    file = await reader.get(REPORT + ".csv?table=placements")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["cache-control"] == "no-store"
    named = 'attachment; filename="welcome-placements-2026-03-01-to-2026-03-30.csv"'
    assert file.headers["content-disposition"] == named
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [(line["placement"], line["signed"], line["given_gbp"]) for line in lines] == [
        ("front-page", "1200", "2500.50"),
        ("(none)", "0", "0.00"),
    ]


@pytest.mark.parametrize(
    "path", ["/campaigns/none/report", "/campaigns/none/report.csv", f"{REPORT}.csv?table=people"]
)
async def test_what_is_not_there_is_not_found(reader: Visitor, path: str) -> None:
    assert (await reader.get(path)).status_code == 404


async def test_the_list_says_how_the_system_does(
    reader: Visitor, superuser: psycopg.Connection, world: World
) -> None:
    assert "Running well" in (await reader.get("/")).text
    superuser.execute(
        "insert into intake (id, petition_id, kind, sealed, received_at) "
        "values (gen_random_uuid(), %s, 'sign', 'x', now() - interval '2 minutes')",
        (world.petition_id,),
    )
    superuser.execute(
        "insert into mails (kind, campaign_id, message_id, state, ended_at) "
        "values ('confirm', %s, 'm', 'failed', now())",
        (world.campaign_id,),
    )
    superuser.commit()
    page = (await reader.get("/")).text
    assert "Needs a look" in page
    assert "waited for more than a minute" in page
    assert "could not be delivered" in page


def test_bounces_and_fresh_letters_worry_nobody() -> None:
    assert Health(10_000, 59, 0, 500, 0, 7, 3, 10, 0).concerns == []
    assert len(Health(1, 61, 1, 0, 1, 0, 1, 61, 0).concerns) == 4
