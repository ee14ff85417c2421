"""Errors for people: a page that says what happened and what to do."""

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from app.http.problems import Problem, headers_of
from app.web.pages import asked
from app.web.rendering import content_security_policy, render_page
from app.web.views.frame import ErrorView, Page


async def error_page(request: Request, problem: Problem) -> Response:
    """The page of a problem, in the reader's language."""
    reader = asked(request)
    view = ErrorView(
        page=Page(
            path=request.url.path,
            base_url=request.app.state.settings.web.public_url,
            locale=reader.locale,
            chosen_locale=reader.chosen_locale,
            languages=(),
            exit_url=request.app.state.settings.web.quick_exit_url,
            is_private=True,
        ),
        status=problem.status,
        code=problem.code,
        request_id=str(request.scope.get("haven.request_id", "")),
        retry_after=problem.retry_after,
    )
    headers = {**headers_of(problem), "Content-Security-Policy": content_security_policy()}
    return HTMLResponse(render_page(view), problem.status, headers=headers)
