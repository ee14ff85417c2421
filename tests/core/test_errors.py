"""Errors that a person is told of."""

import pytest

from app.core.errors import AppError, DatabaseUnavailable, InvalidFields, NotFound, Overloaded, codes


def test_an_error_says_its_code_and_its_sentence() -> None:
    error = NotFound("There is no such page.", field="slug")
    assert (error.code, error.detail, error.field) == ("not_found", "There is no such page.", "slug")
    assert str(error) == "not_found: There is no such page."
    assert NotFound().detail == NotFound.detail


def test_what_may_pass_says_when_to_come_back() -> None:
    assert Overloaded().retry_after == 5
    assert DatabaseUnavailable(retry_after=30).retry_after == 30
    assert isinstance(DatabaseUnavailable(), Overloaded)


def test_several_errors_keep_their_order_and_point_at_the_first() -> None:
    error = InvalidFields([AppError("One.", field="name"), AppError("Two.", field="email")])
    assert [each.field for each in error.errors] == ["name", "email"]
    assert error.field == "name"
    assert InvalidFields([]).field is None


def test_codes_are_found_at_any_depth() -> None:
    found = codes()
    assert found["database_unavailable"] is DatabaseUnavailable
    assert found["error"] is AppError


@pytest.mark.parametrize("kind", [AppError, NotFound, Overloaded, DatabaseUnavailable])
def test_sentences_end_and_say_what_to_do(kind: type[AppError]) -> None:
    assert kind.detail.endswith(".")
