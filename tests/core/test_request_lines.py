"""One line a request, cheaply: the same as the processors would write, and nothing personal in it."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.core import logging as ours
from app.core.logging import configure_logging, log_request, request_id


@pytest.fixture
def written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[pytest.CaptureFixture[str]]:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level, own = root.level, structlog.get_config()
    monkeypatch.setattr(ours, "_access", [])
    yield capsys
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**own)


def lines(written: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.readouterr().out.splitlines()]


def test_the_quick_line_is_the_line_of_the_processors(written: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json", "public")
    bound = request_id.set("r-1")
    log_request("GET", '/odd "route" ü/{slug}', 200, 1.26)
    ours._access.clear()
    log_request("GET", '/odd "route" ü/{slug}', 200, 1.3)
    request_id.reset(bound)

    quick, processed = lines(written)
    assert quick.keys() == processed.keys()
    assert len(str(quick["timestamp"])) == len(str(processed["timestamp"]))
    assert {**quick, "timestamp": 0} == {**processed, "timestamp": 0}
    assert quick["request_id"] == "r-1"


def test_a_line_logged_while_serving_carries_the_request(written: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json", "public")
    bound = request_id.set("r-2")
    structlog.get_logger("test").warning("something:odd")
    request_id.reset(bound)
    structlog.get_logger("test").warning("something:else")

    first, second = lines(written)
    assert first["request_id"] == "r-2"
    assert "request_id" not in second


def test_levels_hold_for_requests_too(written: pytest.CaptureFixture[str]) -> None:
    configure_logging("WARNING", "json", "public")
    log_request("GET", "/", 200, 1.0)

    assert written.readouterr().out == ""


async def test_those_answered_in_one_turn_share_a_write(
    written: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logging("INFO", "json", "public")
    flushed = 0
    stream = logging.getLogger().handlers[0].stream  # type: ignore[attr-defined]  # a StreamHandler

    def flush() -> None:
        nonlocal flushed
        flushed += 1

    monkeypatch.setattr(stream, "flush", flush)
    for _ in range(30):
        log_request("GET", "/", 200, 1.0)
    assert flushed == 0
    await asyncio.sleep(0)
    assert flushed == 1
    log_request("GET", "/", 200, 1.0)
    await asyncio.sleep(0)
    assert flushed == 2
    assert len(lines(written)) == 31
