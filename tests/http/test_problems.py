"""Errors as answers: problem+json with our codes, and never what somebody sent or why it broke."""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import app
from app.core.errors import codes
from app.http.problems import _PYDANTIC, MEDIA_TYPE
from app.http.statuses import HTTP_CODES, OWN_CODES, STATUS
from tests.http.conftest import HOST, SECRET_CAUSE, small_app, surrounded

ROOT = Path(app.__file__).resolve().parents[1]
ERRORS = ROOT / "docs" / "errors.md"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(surrounded(small_app()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/api/v1/errors#{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def test_what_is_not_there(http: httpx.AsyncClient) -> None:
    problem(await http.get("/api/v1/nothing"), 404, "not_found")


async def test_a_method_that_is_not_taken(http: httpx.AsyncClient) -> None:
    answer = await http.delete("/api/v1/entries")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_body_that_is_too_large(http: httpx.AsyncClient) -> None:
    problem(await http.post("/api/v1/entries", content=b"x" * 3_000), 413, "body_too_large")
    problem(await http.post("/api/v1/raw", content=b"x" * 3_000), 413, "body_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100

    problem(await http.post("/api/v1/raw", content=chunks()), 413, "body_too_large")


async def test_a_body_that_is_no_json(http: httpx.AsyncClient) -> None:
    for content in (b"{", b"", b"\xff\xfe", b'{"name": "suzie@example.com", '):
        answer = await http.post(
            "/api/v1/entries", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), content
        assert answer.json()["code"] in ("json_invalid", "invalid_fields", "bad_request"), content
        assert "suzie" not in answer.text


@pytest.mark.parametrize(
    ("sent", "field", "pointer", "code"),
    [
        ({}, "name", "#/name", "required"),
        ({"name": " "}, "name", "#/name", "required"),
        ({"name": "suzie\u202e"}, "name", "#/name", "text_invalid"),
        ({"name": "suzie" * 9}, "name", "#/name", "text_too_long"),
        ({"name": 4711}, "name", "#/name", "invalid_input"),
        ({"name": "a", "age": "4711"}, "age", "#/age", "invalid_input"),
        ({"name": "a", "age": 10**30}, "age", "#/age", "invalid_input"),
        ({"name": "a", "inner": {"4711": "x"}}, "inner.4711", "#/inner/4711", "invalid_input"),
        ({"name": "a", "more": 1}, "more", "#/more", "unknown_field"),
        ({"name": "a", "a/b~c d": 1}, "a/b~c d", "#/a~1b~0c%20d", "unknown_field"),
        ({"name": "a", "inner": {"x.y": "z"}}, "inner.x.y", "#/inner/x.y", "invalid_input"),
    ],
)
async def test_a_field_to_mend(
    http: httpx.AsyncClient, sent: dict[str, object], field: str, pointer: str, code: str
) -> None:
    answer = await http.post("/api/v1/entries", json=sent)
    body = problem(answer, 422, "invalid_fields")
    assert body["field"] == field
    [error] = body["errors"]
    assert (error["field"], error["pointer"], error["code"]) == (field, pointer, code)
    assert error["detail"]
    assert "suzie" not in answer.text
    if "4711" not in pointer:
        assert "4711" not in answer.text, "what was sent does not come back"


async def test_an_address_with_a_wrong_question(http: httpx.AsyncClient) -> None:
    body = problem(await http.get("/api/v1/numbers?number=eleven"), 422, "invalid_fields")
    assert body["field"] == "number"
    assert "eleven" not in json.dumps(body)


async def test_many_faults_are_told_in_part(http: httpx.AsyncClient) -> None:
    sent = {"name": "a", "inner": {f"k{i}": "x" for i in range(60)}}
    body = problem(await http.post("/api/v1/entries", json=sent), 422, "invalid_fields")
    assert len(body["errors"]) == 20


async def test_a_fault_of_ours_says_nothing_of_its_cause(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v1/broken")
    problem(answer, 500, "internal_error")
    assert SECRET_CAUSE not in answer.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("full", 503, "overloaded"),
        ("away", 503, "database_unavailable"),
        ("field", 422, "invalid_input"),
        ("fields", 422, "invalid_fields"),
        ("plain", 500, "error"),
        ("http", 401, "unauthorised"),
        ("odd", 418, "bad_request"),
    ],
)
async def test_what_domains_raise(http: httpx.AsyncClient, how: str, status: int, code: str) -> None:
    answer = await http.get(f"/api/v1/refused/{how}")
    body = problem(answer, status, code)
    if status == 503:
        assert int(answer.headers["retry-after"]) == (7 if how == "full" else 5)
    if how == "field":
        assert (body["field"], body["detail"]) == ("postcode", "Not like this.")
    if how == "fields":
        assert [error["pointer"] for error in body["errors"]] == ["#/name", "#/email"]
    if how == "http":
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "framework" not in answer.text


def _every_module() -> None:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)


def test_every_code_has_a_status_and_every_status_a_code() -> None:
    _every_module()
    used = codes()
    assert set(used) == set(STATUS)
    assert not set(OWN_CODES) & set(STATUS)
    assert all(400 <= status < 600 for status in STATUS.values())


def test_no_two_errors_share_a_code() -> None:
    _every_module()
    declared: dict[str, list[str]] = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            for line in node.body:
                target = line.targets[0] if isinstance(line, ast.Assign) else None
                if isinstance(target, ast.Name) and target.id == "code" and isinstance(line, ast.Assign):
                    assert isinstance(line.value, ast.Constant)
                    declared.setdefault(str(line.value.value), []).append(f"{path.name}:{node.name}")
    assert {code: places for code, places in declared.items() if len(places) > 1} == {}


def test_every_code_that_an_answer_may_hold_is_documented() -> None:
    _every_module()
    documented = set(re.findall(r"`([a-z][a-z_]+)`", ERRORS.read_text(encoding="utf-8")))
    answered = {*codes(), *OWN_CODES, *(code for code, _ in HTTP_CODES.values()), *_PYDANTIC.values()}
    assert sorted(answered - documented) == []
