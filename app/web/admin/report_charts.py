"""The charts of a report: which figures, in which words, in which sizes."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_symbol

from app.core.languages import number
from app.core.money import Money, minor_digits
from app.reports.campaign_report import CampaignReport
from app.reports.charts import Chart, Plot, Series, draw
from app.reports.figures import Period
from app.web.admin.rendering import short_day, span_name

_WIDE = {"width": 720, "height": 260, "labels": 8}
_NARROW = {"width": 320, "height": 240, "labels": 3}


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart twice, for wide and for narrow screens, with the words that stand for it.

    `currency` is empty for people. `bars`, `line` and `below` name what is drawn, or are empty.
    """

    key: str
    title: str
    currency: str
    description: str
    wide: Chart
    narrow: Chart
    bars: str
    line: str
    below: str
    is_empty: bool


def signing_chart(report: CampaignReport) -> ChartView:
    """Confirmed as bars, signed as a line over them, withdrawn downwards."""
    signing = [period.figures.signing for period in report.periods]
    hints = [
        f"{span_name(period.span)}: {number(s.signed, 'en')} signed, {number(s.confirmed, 'en')} confirmed, "
        f"{number(s.withdrawn, 'en')} withdrawn"
        for period, s in zip(report.periods, signing, strict=True)
    ]
    confirmed = [s.confirmed for s in signing]
    plot = Plot(
        labels=_labels(report.periods),
        hints=hints,
        bars=Series("Confirmed", confirmed),
        line=Series("Signed", [s.signed for s in signing]),
        below=Series("Withdrawn", [s.withdrawn for s in signing]),
        unit=1,
        written=lambda value: number(value, "en"),
    )
    whole = report.total.signing
    sentence = (
        f"{span_name(report.span)}: {number(whole.signed, 'en')} signed, {number(whole.confirmed, 'en')} "
        f"confirmed, {number(whole.withdrawn, 'en')} withdrawn. "
        f"{_peak(report.periods, confirmed, 'confirmed')}"
    )
    return _view("signing", "Signatures", sentence, plot)


def giving_chart(report: CampaignReport, currency: str) -> ChartView:
    """The sums given as bars, refunds downwards."""
    giving = [period.figures.of(currency) for period in report.periods]
    given = [g.given_minor for g in giving]
    hints = [
        f"{span_name(period.span)}: {_money(g.given_minor, currency)} in {number(g.donations, 'en')} "
        f"donations, {_money(g.refunded_minor, currency)} refunded"
        for period, g in zip(report.periods, giving, strict=True)
    ]
    plot = Plot(
        labels=_labels(report.periods),
        hints=hints,
        # A failed refund comes back on a later day; a sum below nothing is drawn as nothing.
        bars=Series("Given", [max(sum_, 0) for sum_ in given]),
        line=None,
        below=Series("Refunded", [max(g.refunded_minor, 0) for g in giving]),
        unit=10 ** minor_digits(currency),
        written=lambda value: _on_scale(value, currency),
    )
    whole = report.total.of(currency)
    sentence = (
        f"{span_name(report.span)}: {_money(whole.given_minor, currency)} in {number(whole.donations, 'en')} "
        f"donations, {_money(whole.refunded_minor, currency)} refunded. "
        f"{_peak(report.periods, given, 'given', currency)}"
    )
    return _view(f"giving-{currency.lower()}", f"Donations in {currency}", sentence, plot, currency)


def _view(key: str, title: str, sentence: str, plot: Plot, currency: str = "") -> ChartView:
    return ChartView(
        key=key,
        title=title,
        currency=currency,
        description=f"{sentence} The table that follows holds every figure.",
        wide=draw(plot, **_WIDE),
        narrow=draw(plot, **_NARROW),
        bars=plot.bars.name,
        line=plot.line.name if plot.line else "",
        below=plot.below.name if plot.below else "",
        is_empty=not any(
            any(series.values) for series in (plot.bars, plot.line, plot.below) if series is not None
        ),
    )


def _labels(periods: Sequence[Period]) -> list[str]:
    return [short_day(period.span.first) for period in periods]


def _peak(periods: Sequence[Period], values: Sequence[int], verb: str, currency: str = "") -> str:
    highest = max(values, default=0)
    if highest <= 0:
        return f"None {verb}."
    when = span_name(periods[values.index(highest)].span)
    amount = _money(highest, currency) if currency else number(highest, "en")
    return f"The most were {amount} {verb} on {when}."


def _on_scale(minor: int, currency: str) -> str:
    """With the currency's sign, where it has one: codes would take the room of the figures."""
    if len(get_currency_symbol(currency, "en_GB")) == 1:
        return _money(minor, currency)
    return number(minor // 10 ** minor_digits(currency), "en")


def _money(minor: int, currency: str) -> str:
    return Money(minor, currency).format_short("en_GB")
