"""CSV that a spreadsheet can open without running anything that a stranger typed."""

import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

Cell = str | int | Decimal | date | datetime | bool | None
Row = Sequence[Cell]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Without it Excel reads UTF-8 as the machine's own code page."""

# Where a cell may begin: at the start, or after what a spreadsheet set to another separator than the comma
# takes for an end of cell (OWASP, "CSV Injection"). Full-width forms count: East Asian Excel folds them.
_FORMULA = re.compile(r"""(^|[;\t\r\n|"])([\s\ufeff\u200b]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_LEADING_CONTROL = re.compile(r"^[\t\r\n]")


def encode_row(row: Row) -> bytes:
    """One line of CSV (RFC 4180: comma, CRLF) in UTF-8, text made safe, numbers left as numbers."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerow([_written(c) for c in row])
    return line.getvalue().encode("utf-8", "replace")


def encode_rows(header: Sequence[str], rows: Iterable[Row], *, bom: bool = True) -> Iterator[bytes]:
    """The header and the rows, a line at a time; the first chunk starts with a byte order mark if asked."""
    yield (BYTE_ORDER_MARK if bom else b"") + encode_row(header)
    for row in rows:
        yield encode_row(row)


async def stream_rows(
    header: Sequence[str], rows: AsyncIterable[Row], *, bom: bool = True
) -> AsyncIterator[bytes]:
    """The same as `encode_rows`, for rows that come from the database as they are read."""
    yield (BYTE_ORDER_MARK if bom else b"") + encode_row(header)
    async for row in rows:
        yield encode_row(row)


def safe_text(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet could otherwise begin a formula."""
    guarded = _FORMULA.sub(r"\1\2'", text)
    return f"'{guarded}" if _LEADING_CONTROL.match(guarded) else guarded


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return safe_text(cell)
        case date():
            return cell.isoformat()
        case Decimal():
            return format(cell, "f")
        case _:
            return str(cell)
