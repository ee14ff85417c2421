import csv
import io
from collections.abc import Awaitable, Callable

import psycopg

from app.core.csv import encode_rows
from app.reports.campaign_report import CampaignReport
from app.reports.exports import header, rows_by_day, rows_by_placement
from tests.factories import World
from tests.reports.conftest import Book

Read = Callable[..., Awaitable[CampaignReport]]


def parsed(lines: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(lines.decode("utf-8-sig"))))


async def test_every_day_is_a_line_with_the_pages_figures(book: Book, read: Read) -> None:
    book.tally("2026-03-02 09:00", signed=10, confirmed=7)
    book.donation("2026-03-02 11:00", 2550)
    book.donation("2026-03-02 11:00", 3000, "JPY")
    book.refund("2026-03-03 11:00", 50)
    report = await read("2026-03-02", "2026-03-03")
    lines = parsed(b"".join(encode_rows(header(report, ["day"]), rows_by_day(report))))
    assert [line["day"] for line in lines] == ["2026-03-02", "2026-03-03"]
    assert (lines[0]["signed"], lines[0]["confirmed"], lines[1]["signed"]) == ("10", "7", "0")
    assert (lines[0]["donations_gbp"], lines[0]["given_gbp"], lines[1]["refunded_gbp"]) == (
        "1",
        "25.50",
        "0.50",
    )
    assert lines[0]["given_jpy"] == "3000"


async def test_no_title_becomes_a_formula(
    book: Book, read: Read, superuser: psycopg.Connection, world: World
) -> None:
    titles = {"one": '=HYPERLINK("https://evil.example")', "two": "@SUM(1)", "-3": "\t=1+1", "four": "fine"}
    for slug, title in titles.items():
        superuser.execute(
            "insert into placements (campaign_id, slug, title) values (%s, %s, %s)",
            (world.campaign_id, slug, title),
        )
        book.tally("2026-03-02 09:00", signed=1, placement=slug)
    try:
        report = await read("2026-03-02", "2026-03-02")
    finally:
        superuser.execute("delete from placements")
        superuser.commit()
    columns = header(report, ["placement", "title"], with_refunds=False)
    assert not [name for name in columns if name.startswith("refunded")]
    assert {len(row) for row in rows_by_placement(report)} == {len(columns)}
    lines = parsed(b"".join(encode_rows(columns, rows_by_placement(report))))
    told = {line["placement"]: line["title"] for line in lines}
    assert told["four"] == "fine"
    assert told["(none)"] == ""
    assert len(told) == 5
    for text in (*told, *told.values()):
        assert not text.lstrip("\t\r\n ").startswith(("=", "+", "-", "@"))
