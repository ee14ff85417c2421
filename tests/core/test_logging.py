"""The last net: what should never have come into a log is masked there."""

import io
import json
import logging
import time
from collections.abc import Iterator

import psycopg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core import logging as ours
from app.core.db import Database
from app.core.logging import configure_logging, mask
from app.core.tokens import new_token


def masked(value: object) -> object:
    return mask(None, "info", {"event": "x", "value": value})["value"]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Haven's own configuration, writing into a buffer; put back afterwards."""
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr(ours, "_access", [])
    configure_logging("INFO", "json", "worker")
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    buffer = io.StringIO()
    handler.setStream(buffer)
    yield buffer
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**own)


def lines(buffer: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in buffer.getvalue().splitlines()]


@pytest.mark.parametrize(
    "address",
    [
        "suzie@example.com",
        "Suzie.Fenn+haven@mail.example.co.uk",
        "зоя@приклад.укр",
        "o'brien@example.com",
        "suzie@xn--80aikifvh.xn--j1amh",
    ],
)
@pytest.mark.parametrize("around", ["{}", "to <{}>, gone", 'email="{}"', "mailto:{};x", "({})"])
def test_addresses_are_masked(address: str, around: str) -> None:
    shown = str(masked(around.format(address)))
    assert "[address]" in shown
    assert "suzie@" not in shown.lower()
    assert "example" not in shown
    assert "приклад" not in shown


def test_tokens_are_masked_wherever_they_stand() -> None:
    token = new_token()
    for around in ("{}", "/confirm/{}", "https://haven.example/my/{}?x=1", "token={}&", "'{}'"):
        assert token not in str(masked(around.format(token)))


def test_what_is_neither_stays_readable() -> None:
    for plain in (
        "request:answered",
        "a1b2c3d4-1111-4111-8111-111111111111",
        "/api/v1/things/{token}",
        "16:40 @ noon",
        "x" * 31,
        "0123456789abcdef" * 4,
    ):
        assert masked(plain) == plain


def test_inner_values_are_masked_too() -> None:
    nested = {"a": ["suzie@example.com", {"b": ("x", "suzie@example.com")}], "n": 5, "none": None}
    assert masked(nested) == {"a": ["[address]", {"b": ["x", "[address]"]}], "n": 5, "none": None}


@given(st.text(max_size=200))
def test_any_text_can_be_masked(value: str) -> None:
    once = masked(value)
    assert masked(once) == once


def test_a_huge_text_is_masked_in_no_time() -> None:
    started = time.perf_counter()
    masked("a" * 200_000)
    masked("a" * 200_000 + "@")
    masked("@" + "a." * 100_000)
    assert time.perf_counter() - started < 2


def test_our_lines_are_json_with_the_role(logged: io.StringIO) -> None:
    structlog.get_logger("x").info("letters:resolved", letters=3, to="suzie@example.com")
    [line] = lines(logged)
    assert (line["event"], line["letters"], line["role"], line["level"]) == (
        "letters:resolved",
        3,
        "worker",
        "info",
    )
    assert line["to"] == "[address]"
    assert str(line["timestamp"]).endswith("Z")


def test_lines_of_libraries_go_the_same_way(logged: io.StringIO) -> None:
    logging.getLogger("somebody").warning("sent to %s", "suzie@example.com")
    try:
        int("for suzie@example.com")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("broken")
    first, second = lines(logged)
    assert first["event"] == "sent to [address]"
    assert "suzie" not in json.dumps(second)
    assert "ValueError" in json.dumps(second)


def test_uvicorn_does_not_even_build_its_lines_about_requests(logged: io.StringIO) -> None:
    assert not logging.getLogger("uvicorn.access").propagate  # else it finds our handler, and has its lines
    assert logging.getLogger("uvicorn.error").propagate


def test_locals_are_not_logged(logged: io.StringIO) -> None:
    def fails() -> None:
        name = "Suzie Fenn"
        raise RuntimeError(f"{len(name)} letters")

    try:
        fails()
    except RuntimeError:
        structlog.get_logger("x").exception("broken")
    [line] = lines(logged)
    assert "Suzie" not in json.dumps(line)
    assert "fails" in json.dumps(line)


async def test_a_failing_statement_tells_nothing_of_what_it_carried(
    logged: io.StringIO, internal: Database, superuser: psycopg.Connection
) -> None:
    for statement, values in (
        (
            "insert into suppressions (address_hash, reason) values (:h, :r)",
            {"h": b"Suzie", "r": "Suzie Fenn"},
        ),
        ("select cast(:x as int)", {"x": "Suzie Fenn"}),
        ("insert into staff_accounts (email) values (:x)", {"x": "Suzie Fenn"}),
    ):
        try:
            async with internal.begin() as session:
                await session.execute(text(statement), values)
        except DBAPIError:
            structlog.get_logger("x").exception("broken")
    shown = lines(logged)
    assert len(shown) == 3
    for line in shown:
        everything = json.dumps(line)
        assert "DETAIL" not in everything
        assert "Suzie" not in everything
    assert "invalid input syntax for type integer: [value]" in json.dumps(shown[1])


async def test_a_violated_constraint_tells_no_values(
    logged: io.StringIO, internal: Database, superuser: psycopg.Connection
) -> None:
    insert = text("insert into mail_allowances (address_hash) values (:h)")
    try:
        async with internal.begin() as session:
            await session.execute(insert, {"h": b"Suzie Fenn"})
            await session.execute(insert, {"h": b"Suzie Fenn"})
    except DBAPIError:
        structlog.get_logger("x").exception("broken")
    [line] = lines(logged)
    everything = json.dumps(line)
    assert "UniqueViolation" in everything
    assert "pk_mail_allowances" in everything
    assert "Suzie" not in everything
    assert b"Suzie Fenn".hex() not in everything
