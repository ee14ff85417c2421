"""Errors as answers: the one module that knows which status a code has (RFC 9457)."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from app.core.errors import AppError, InvalidFields
from app.http.statuses import HTTP_CODES, STATUS

MEDIA_TYPE = "application/problem+json"
_MACHINES = ("/api/", "/webhooks/", "/osdi/", "/healthz", "/readyz", "/metrics")

# What Pydantic calls a fault, in our codes; everything else is `invalid_input`.
_PYDANTIC = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "json_invalid": "json_invalid",
    "text_invalid": "text_invalid",
    "text_too_long": "text_too_long",
    "text_missing": "required",
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field to mend; `path` leads to it in a JSON body."""

    field: str
    code: str
    detail: str
    path: tuple[str, ...] = ()

    def as_json(self) -> dict[str, str]:
        """With the JSON pointer that RFC 9457 shows, as RFC 6901 §6 writes it into a URI."""
        parts = self.path or (tuple(self.field.split(".")) if self.field else ())
        pointer = "#" + "".join(f"/{quote(p.replace('~', '~0').replace('/', '~1'), safe='~')}" for p in parts)
        return {"field": self.field, "pointer": pointer, "code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it leaves the process: for a machine as JSON, for a person as a page."""

    status: int
    code: str
    detail: str
    field: str | None = None
    fields: tuple[FieldProblem, ...] = ()
    retry_after: int | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


ErrorPage = Callable[[Request, Problem], Awaitable[Response]]


def problem_of(error: Exception) -> Problem:
    """What to answer to any error; unknown ones say nothing of their cause."""
    if isinstance(error, InvalidFields):
        fields = tuple(FieldProblem(e.field or "", e.code, e.detail) for e in error.errors)
        return Problem(STATUS[error.code], error.code, error.detail, error.field, fields)
    if isinstance(error, AppError):
        fields = (FieldProblem(error.field, error.code, error.detail),) if error.field else ()
        return Problem(STATUS[error.code], error.code, error.detail, error.field, fields, error.retry_after)
    if isinstance(error, RequestValidationError):
        return _validation_problem(error)
    if isinstance(error, HTTPException):
        code, detail = HTTP_CODES.get(error.status_code, ("bad_request", "This request cannot be answered."))
        return Problem(error.status_code, code, detail, headers=dict(error.headers or {}))
    return Problem(
        500, "internal_error", "Something broke on our side; it has been noted. Please try again in a minute."
    )


def as_json(request: Request, problem: Problem) -> JSONResponse:
    """`application/problem+json` with our stable code, the fields, and the request's id."""
    body: dict[str, Any] = {  # JSON
        "type": f"/api/v1/errors#{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request.scope.get("haven.request_id", ""),
    }
    if problem.field:
        body["field"] = problem.field
    if problem.fields:
        body["errors"] = [each.as_json() for each in problem.fields]
    return JSONResponse(body, problem.status, headers=headers_of(problem), media_type=MEDIA_TYPE)


def headers_of(problem: Problem) -> dict[str, str]:
    """Headers that go with a problem: never cached, and when to come back."""
    headers = {**problem.headers, "Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return headers


async def respond(request: Request, problem: Problem, page: ErrorPage | None) -> Response:
    """A problem for whoever asked: JSON for machines, a page for people."""
    path = request.url.path
    if page is None or path.startswith(_MACHINES) or path.endswith(".json"):
        return as_json(request, problem)
    return await page(request, problem)


def install_problems(app: FastAPI, page: ErrorPage | None) -> None:
    """Answer every error of an app by code; machines get JSON, people a page."""

    async def answer(request: Request, error: Exception) -> Response:
        return await respond(request, problem_of(error), page)

    for kind in (AppError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _validation_problem(error: RequestValidationError) -> Problem:
    # `input` is what the person sent: it is neither answered nor logged.
    fields = tuple(_field_problem(cast("dict[str, Any]", fault)) for fault in error.errors()[:20])
    first = fields[0] if fields else None
    if first is not None and first.code == "json_invalid":
        return Problem(400, first.code, first.detail)
    detail = InvalidFields.detail
    return Problem(422, InvalidFields.code, detail, first.field if first else None, fields)


def _field_problem(fault: Mapping[str, Any]) -> FieldProblem:
    location = [str(part) for part in fault.get("loc", ())]
    if location and location[0] in ("body", "query", "path", "header", "cookie"):
        location = location[1:]
    code = _PYDANTIC.get(str(fault.get("type")), "invalid_input")
    if code == "json_invalid":
        return FieldProblem("", code, "The body is no valid JSON.")
    return FieldProblem(".".join(location), code, str(fault.get("msg", "")), tuple(location))
