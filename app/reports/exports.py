"""Reports as rows for a spreadsheet: the same figures as on the page, a day or a placement a line."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.core.csv import Row
from app.reports.campaign_report import CampaignReport
from app.reports.figures import Figures

WITHOUT_PLACEMENT: Final = "(none)"

_EVENTS = ("signed", "confirmed", "withdrawn", "invalidated", "lapsed")


def header(report: CampaignReport, first: Sequence[str], *, with_refunds: bool = True) -> list[str]:
    """The names of the columns; money is in major units of the currency that its column names."""
    names = ("donations", "given", "refunded") if with_refunds else ("donations", "given")
    money = [f"{name}_{c.lower()}" for c in report.currencies for name in names]
    return [*first, *_EVENTS, *money]


def rows_by_day(report: CampaignReport) -> Iterator[Row]:
    """Every day of the range, also those on which nothing happened."""
    for period in report.days:
        yield [period.span.first, *_cells(period.figures, report.currencies)]


def rows_by_placement(report: CampaignReport) -> Iterator[Row]:
    """Every placement, and last what came without one; without refunds, which are not told apart by it."""
    for placement in report.placements:
        name = placement.slug or WITHOUT_PLACEMENT
        cells = _cells(placement.figures, report.currencies, with_refunds=False)
        yield [name, placement.title, *cells]


def _cells(figures: Figures, currencies: Sequence[str], *, with_refunds: bool = True) -> Row:
    money = [
        cell
        for currency in currencies
        for cell in (
            figures.of(currency).donations,
            figures.given(currency).to_major(),
            *((figures.refunded(currency).to_major(),) if with_refunds else ()),
        )
    ]
    return [*(getattr(figures.signing, event) for event in _EVENTS), *money]
