"""What surrounds every answer: headers, an id, our hosts, and a log line that tells on nobody."""

import logging
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from app.core import logging as ours
from app.http.middleware import DEFAULT_CSP, SECURITY_HEADERS
from tests.http.conftest import HOST, SECRET_CAUSE, small_app, surrounded

TOKEN = "tokenoftwentyfourbytes_abcdefghi"
PATHS = (
    "/api/v1/things/x",
    "/api/v1/nothing",
    "/api/v1/broken",
    "/api/v1/refused/full",
    "/api/v1/numbers?number=x",
)


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(ours, "_access", [])  # whatever another test has configured and made loggers keep
    monkeypatch.setattr(ours, "_http", structlog.get_logger("http"))
    transport = httpx.ASGITransport(surrounded(small_app()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_guarded(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["content-security-policy"] == DEFAULT_CSP
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert UUID(answer.headers["x-request-id"]).version == 4
    assert "server" not in answer.headers


async def test_without_https_there_is_no_promise_of_it() -> None:
    transport = httpx.ASGITransport(surrounded(small_app(), https=False))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        answer = await client.get("/api/v1/things/x")
    assert "strict-transport-security" not in answer.headers


async def test_each_request_has_its_own_id_whatever_the_client_says(http: httpx.AsyncClient) -> None:
    mine = "11111111-1111-4111-8111-111111111111"
    ids = {
        (await http.get("/api/v1/things/x", headers={"X-Request-Id": mine})).headers["x-request-id"]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert mine not in ids


@pytest.mark.parametrize(
    "host",
    ["evil.example", "haven.example.evil.example", "haven.example.", "", "[::1]", "haven.example@evil"],
)
async def test_another_host_is_not_ours(http: httpx.AsyncClient, host: str) -> None:
    answer = await http.get("/api/v1/things/x", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["code"] == "host_unknown"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["haven.example", "HAVEN.Example", "haven.example:8000", "127.0.0.1:8000"])
async def test_our_hosts_are_answered(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/api/v1/things/x", headers={"Host": host})).status_code == 200


async def test_a_head_is_answered_without_its_body(http: httpx.AsyncClient) -> None:
    answer = await http.head("/api/v1/things/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert (await http.head("/api/v1/nothing")).status_code == 404


async def test_the_log_holds_the_pattern_and_never_the_path(http: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await http.get(f"/api/v1/things/{TOKEN}?address=suzie@example.com")
        await http.get(f"/nowhere/{TOKEN}/suzie@example.com")
        await http.post("/api/v1/entries", json={"name": "Suzie Fenn"})
        await http.get("/api/v1/things/x", headers={"Host": "suzie.example", "Referer": f"https://x/{TOKEN}"})
    answered = [line for line in lines if line["event"] == "request:answered"]
    assert [(line["route"], line["status"], line["method"]) for line in answered] == [
        ("/api/v1/things/{token}", 200, "GET"),
        ("unmatched", 404, "GET"),
        ("/api/v1/entries", 200, "POST"),
        ("unmatched", 421, "GET"),
    ]
    assert all(line["milliseconds"] >= 0 for line in answered)
    for secret in (TOKEN, "suzie", "Suzie"):
        assert secret not in str(lines)


async def test_the_log_knows_the_request_by_its_id(http: httpx.AsyncClient) -> None:
    seen: list[object] = []

    def note(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        seen.append(event.get("request_id"))
        return event

    with capture_logs(processors=[ours._with_request_id, note]):
        answer = await http.get("/api/v1/things/x")
    assert seen == [answer.headers["x-request-id"]]
    assert ours.request_id.get() is None, "the next one starts afresh"


async def test_a_fault_is_logged_with_its_place(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), capture_logs() as lines:
        await http.get("/api/v1/broken")
    assert [line["event"] for line in lines] == ["request:failed", "request:answered"]
    assert lines[1]["status"] == 500
    assert SECRET_CAUSE not in str(lines[1])
