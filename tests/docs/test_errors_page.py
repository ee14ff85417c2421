"""`docs/errors.md` names every code with its status, and no other."""

import re
from pathlib import Path

from app.core.errors import codes
from app.http.statuses import HTTP_CODES, OWN_CODES, STATUS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_every_code_stands_there_with_its_status_and_nothing_else() -> None:
    framework = {code: status for status, (code, _) in HTTP_CODES.items()}

    assert {code: int(status) for code, status, _, _ in rows()} == framework | OWN_CODES | STATUS


def test_no_code_stands_there_twice() -> None:
    found = [code for code, *_ in rows()]

    assert len(found) == len(set(found))


def test_every_code_says_what_happened_and_what_to_do() -> None:
    for code, _, happened, todo in rows():
        assert happened.strip().endswith("."), code
        assert todo.strip().endswith("."), code


def test_every_error_that_the_code_raises_has_a_status() -> None:
    import app.main  # noqa: F401, PLC0415 - loads every domain, so that every error is known

    assert codes().keys() <= STATUS.keys()
