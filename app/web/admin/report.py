"""The report of a campaign: as a page, and as a file for a spreadsheet."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from app.core.csv import encode_rows
from app.core.errors import NotFound
from app.http.context import Session, Staff, StaffRole
from app.http.statuses import STATUS
from app.reports.campaign_report import CampaignReport, Subject, find_subject, read_report
from app.reports.errors import RangeInvalid
from app.reports.exports import header, rows_by_day, rows_by_placement
from app.reports.queries import begin_reading, earliest_day
from app.reports.ranges import DEFAULT_PRESET, PRESETS, DateRange, between, last_days, since
from app.web.admin.guarding import Reader, reader
from app.web.admin.rendering import PAGE_HEADERS, render
from app.web.admin.report_charts import giving_chart, signing_chart

router = APIRouter(prefix="/campaigns/{slug}")

_LINES_AT_ONCE: Final = 500
_TABLES: Final = {
    "days": (("day",), rows_by_day),
    "placements": (("placement", "title"), rows_by_placement),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The days that were asked for, and how: "7", "30", "90", "all" or "custom"."""

    key: str
    span: DateRange


@router.get("/report")
async def report_page(slug: str, request: Request, role: Staff, member: Reader, session: Session) -> Response:
    """Charts, tables, totals and conversion; dates that cannot be meant leave the usual range standing."""
    await begin_reading(session)
    subject = await find_subject(session, slug)
    today, error = _today(role, subject), None
    try:
        choice = await _choose(session, subject, request.query_params, today)
    except RangeInvalid as invalid:
        choice, error = Choice(str(DEFAULT_PRESET), last_days(DEFAULT_PRESET, today)), invalid
    report = await read_report(session, subject, choice.span, today)
    return render(
        "report",
        member=member,
        title=subject.title,
        status=STATUS[error.code] if error else 200,
        report=report,
        choice=choice,
        presets=PRESETS,
        typed=request.query_params,
        error=error,
        export=urlencode({"from": choice.span.first, "to": choice.span.last}),
        charts=[signing_chart(report), *(giving_chart(report, c) for c in report.currencies)],
    )


@router.get("/report.csv", dependencies=[Depends(reader)])
async def report_file(slug: str, request: Request, role: Staff, session: Session) -> Response:
    """One of the tables as CSV, by day whatever the page shows. Raises RangeInvalid, NotFound."""
    await begin_reading(session)
    subject = await find_subject(session, slug)
    table = request.query_params.get("table", "days")
    if table not in _TABLES:
        raise NotFound
    today = _today(role, subject)
    span = (await _choose(session, subject, request.query_params, today)).span
    report = await read_report(session, subject, span, today)
    name = f"{subject.slug}-{table}-{span.first}-to-{span.last}.csv"
    return StreamingResponse(
        _blocks(_lines(report, table)),
        media_type="text/csv; charset=utf-8",
        headers={**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(report: CampaignReport, table: str) -> Iterator[bytes]:
    first, rows = _TABLES[table]
    # Refunds have no placement of their own.
    return encode_rows(header(report, first, with_refunds=table != "placements"), rows(report))


async def _blocks(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    while block := b"".join(islice(lines, _LINES_AT_ONCE)):
        yield block


def _today(role: StaffRole, subject: Subject) -> date:
    return role.clock.now().astimezone(subject.zone).date()


async def _choose(session: AsyncSession, subject: Subject, query: Mapping[str, str], today: date) -> Choice:
    """The range that a query string names. Raises RangeInvalid."""
    first, last = query.get("from", ""), query.get("to", "")
    if first or last:
        return Choice("custom", between(first, last))
    key = query.get("range", str(DEFAULT_PRESET))
    if key == "all":
        return Choice(key, since(await earliest_day(session, subject.id, subject.zone), today))
    if key not in {str(preset) for preset in PRESETS}:
        raise RangeInvalid("Please choose one of the ranges offered.")
    return Choice(key, last_days(int(key), today))
