"""Pages of staff: in English, never stored, never indexed, nothing loaded from elsewhere, no script."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Final
from urllib.parse import urlencode

from babel.dates import format_date
from babel.numbers import format_percent
from fastapi import Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.core.languages import cldr
from app.core.templating import environment
from app.http.problems import Problem, headers_of
from app.reports.ranges import DateRange
from app.staff.errors import SessionExpired
from app.staff.sessions import StaffMember
from app.web.admin.destinations import safe_next
from app.web.assets import asset_url
from app.web.rendering import TEMPLATES_DIR

_LOCALE: Final = "en"

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    # With `no-referrer` browsers send `Origin: null`, and a form's origin could not be checked.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


def render(
    template: str, *, member: StaffMember | None, title: str, status: int = 200, **values: object
) -> HTMLResponse:
    """A page of staff; `member` is who is logged in, and gives the page its menu."""
    body = _environment().get_template(f"{template}.html.jinja")
    content = body.render(member=member, title=title, **values).encode("utf-8", "replace")
    return HTMLResponse(content, status, headers=PAGE_HEADERS)


async def staff_error_page(request: Request, problem: Problem) -> Response:
    """Any error as a page; who is not logged in is sent to the login, and back afterwards."""
    if problem.code == SessionExpired.code:
        return to_login(request)
    response = render("error", member=None, title="This did not work", status=problem.status, problem=problem)
    response.headers.update(headers_of(problem))
    return response


def to_login(request: Request) -> Response:
    """The way to the login page; a page that was asked for is shown afterwards, a form is not sent again."""
    if request.method in {"GET", "HEAD"}:
        wanted = safe_next(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        query = {"next": wanted} if wanted != "/" else {}
    else:
        query = {"ended": "1"}
    return redirect("/login" + (f"?{urlencode(query)}" if query else ""))


def redirect(path: str) -> RedirectResponse:
    """303: look there now, with GET."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


@cache
def _environment() -> Environment:
    built = environment(TEMPLATES_DIR / "admin", _LOCALE)
    built.globals |= {"asset": asset_url}
    built.filters |= {"span": span_name, "short_span": _short_span}
    built.filters |= {"percent": _percent, "wait": _wait, "moment": _moment}
    return built


def span_name(span: DateRange) -> str:
    """A day, or from when to when: "3 March 2026", "2–8 March 2026", "30 March – 5 April 2026"."""
    first, last = span.first, span.last
    end = _dated(last, "d MMMM y")
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}"
    return f"{_dated(first, 'd MMMM' if first.year == last.year else 'd MMMM y')} – {end}"


def short_day(day: date) -> str:
    """A day as an axis or a narrow column shows it: "3 Mar"."""
    return _dated(day, "d MMM")


def _short_span(span: DateRange) -> str:
    """The same for a narrow column: "3 Mar 2026", "30 Mar – 5 Apr 2026"."""
    end = _dated(span.last, "d MMM y")
    return end if span.first == span.last else f"{short_day(span.first)} – {end}"


def _dated(day: date, pattern: str) -> str:
    return format_date(day, pattern, locale=cldr(_LOCALE))


def _percent(share: float | None) -> str:
    return "–" if share is None else format_percent(share, "#,##0.0%", locale=cldr(_LOCALE))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def _wait(seconds: int) -> str:
    """A wait in the unit that suits it, rounded up: whoever waits so long will not be refused again."""
    if seconds <= 90:  # noqa: PLR2004 - beyond a minute and a half, minutes say it better
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // 60)} minutes"
