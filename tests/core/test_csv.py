import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.csv import BYTE_ORDER_MARK, Row, encode_row, encode_rows, safe_text, stream_rows

FORMULA_STARTS = tuple("=+-@＝＋－＠")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "'+44"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\t=1", "'\t'=1"),
        ("  =1", "  '=1"),
        ("\ufeff=1", "\ufeff'=1"),
        ("＝1", "'＝1"),
        ("a;=1", "a;'=1"),
        ('a";=1', "a\";'=1"),
        ("a\n=1", "a\n'=1"),
        ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
        ("Anna-Maria", "Anna-Maria"),
        ("a=b", "a=b"),
        ("a@b.example", "a@b.example"),
        ("O'Brien", "O'Brien"),
        ("", ""),
    ],
)
def test_a_stranger_cannot_write_a_formula(typed: str, written: str) -> None:
    assert safe_text(typed) == written


def test_cells_are_written_plainly() -> None:
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    row: Row = ["a,b", 'say "hi"', -5, Decimal("1E+3"), Decimal("-0.50"), date(2026, 11, 22), at, True, None]
    assert encode_row(row) == (
        b'"a,b","say ""hi""",-5,1000,-0.50,2026-11-22,2026-11-22T12:00:00+00:00,true,\r\n'
    )


def test_the_byte_order_mark_stands_once_or_not_at_all() -> None:
    assert b"".join(encode_rows(["ім'я"], [["Ольга"]])) == BYTE_ORDER_MARK + "ім'я\r\nОльга\r\n".encode()
    assert b"".join(encode_rows(["a"], [[1]], bom=False)) == b"a\r\n1\r\n"


def test_rows_are_written_as_they_come() -> None:
    def rows() -> "list[Row]":
        raise AssertionError("asked for too early")

    chunks = encode_rows(["a"], (row for _ in [1] for row in rows()))
    assert next(chunks) == BYTE_ORDER_MARK + b"a\r\n"
    with pytest.raises(AssertionError, match="too early"):
        next(chunks)


async def test_rows_from_the_database_are_streamed() -> None:
    async def rows() -> AsyncIterator[Row]:
        yield ["=1", 2]
        yield ["b", None]

    chunks = [chunk async for chunk in stream_rows(["a", "n"], rows(), bom=False)]
    assert chunks == [b"a,n\r\n", b"'=1,2\r\n", b"b,\r\n"]


def test_what_is_no_text_does_not_break_an_export() -> None:
    assert encode_row(["\ud800"]) == b"?\r\n"


@given(st.lists(st.text(alphabet=[*"ab =+-@,;\"'\t\r\n|＝", "\ufeff"], max_size=8), min_size=1, max_size=4))
def test_no_cell_starts_a_formula_whatever_separates_cells(cells: list[str]) -> None:
    line = encode_row(cells).decode()
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            assert not any(cell.lstrip(" \ufeff").startswith(FORMULA_STARTS) for cell in row)


@given(st.lists(st.text(alphabet="abcщ ,\"'", max_size=8), min_size=1, max_size=4))
def test_harmless_text_comes_back_as_it_was(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(encode_row(cells).decode(), newline=""))
    assert row == cells
