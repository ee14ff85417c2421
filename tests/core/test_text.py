import unicodedata
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from app.core.text import (
    InvalidText,
    Line,
    Paragraphs,
    TextTooLong,
    clean_line,
    clean_text,
    has_visible,
)

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
ZWNJ, ZWJ = "\u200c", "\u200d"


class Form(BaseModel):
    name: Annotated[str, Line(20)]
    town: Annotated[str, Line(20, required=False)] = ""
    comment: Annotated[str, Paragraphs(50, required=False)] = ""
    postcode: Annotated[str, Line(8)] | None = None


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  Anna \t\r\n Maria  ", "Anna Maria"),
        ("Ko\u0308nig", "König"),
        ("Anna\u00a0Maria", "Anna Maria"),
        ("a\u2028b", "a b"),
        (f"می{ZWNJ}خواهم", f"می{ZWNJ}خواهم"),
        (f"क्{ZWJ}ष", f"क्{ZWJ}ष"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\u200fאבג", "\u200fאבג"),
        ("Їжакевич", "Їжакевич"),
        ("", ""),
    ],
)
def test_a_line_is_brought_into_one_form(typed: str, cleaned: str) -> None:
    assert clean_line(typed, 50) == cleaned


@pytest.mark.parametrize(
    "character",
    [
        *(
            "\x00",
            "\x01",
            "\x08",
            "\x0b",
            "\x0c",
            "\x0e",
            "\x1b",
            "\x1c",
            "\x1f",
            "\x7f",
            "\x80",
            "\x85",
            "\x9f",
        ),
        *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"),
        *("\ud800", "\udfff", "\ufffe", "\uffff", "\ufdd0"),
    ],
)
def test_what_breaks_or_deceives_is_refused(character: str) -> None:
    for clean in (clean_line, clean_text):
        with pytest.raises(InvalidText):
            clean(f"a{character}b", 50)


def test_length_counts_characters_after_normalising() -> None:
    assert clean_line("o\u0308" * 5, 5) == "ö" * 5
    assert clean_line(" " * 500 + "a", 1) == "a"
    with pytest.raises(TextTooLong, match="at most 5"):
        clean_line("a" * 6, 5)


def test_a_text_far_too_long_is_refused_before_work_is_done() -> None:
    with pytest.raises(TextTooLong):
        clean_line(" " * 10_000_000, 10)


def test_paragraphs_keep_their_lines() -> None:
    assert clean_text(" a  b \r\n c\r\rd\n\n\n\n e\n", 50) == "a b\nc\n\nd\n\ne"


def test_a_model_cleans_its_fields() -> None:
    form = Form(name=" Anna  K ", comment="a\r\nb", postcode=" sw1a  1aa")
    assert (form.name, form.comment, form.postcode, form.town) == ("Anna K", "a\nb", "sw1a 1aa", "")


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"name": "a\x00b"}, "name", "text_invalid"),
        ({"name": ""}, "name", "text_missing"),
        ({"name": " \u200b\u200d\u0301 "}, "name", "text_missing"),
        ({"name": "a" * 21}, "name", "text_too_long"),
        ({"name": "a", "comment": "\u202e"}, "comment", "text_invalid"),
        ({"name": 5}, "name", "string_type"),
        ({"name": None}, "name", "string_type"),
        ({"name": ["a"]}, "name", "string_type"),
    ],
)
def test_a_model_says_which_field_and_why(values: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Form.model_validate(values)
    (error,) = refusal.value.errors()
    assert (error["loc"], error["type"]) == ((field,), code)
    assert "{" not in error["msg"]


def test_the_schema_tells_what_is_taken() -> None:
    described = Form.model_json_schema()["properties"]
    assert (described["name"]["minLength"], described["name"]["maxLength"]) == (1, 20)
    assert "minLength" not in described["comment"]
    assert r"\u202a-\u202e" in described["name"]["pattern"]


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    for clean in (clean_line, clean_text):
        try:
            once = clean(text, 1000)
        except InvalidText:
            continue
        assert clean(once, 1000) == once
        assert unicodedata.is_normalized("NFC", once)
        once.encode()


@given(ANY_TEXT)
def test_any_text_is_taken_or_refused_with_a_code(text: str) -> None:
    try:
        taken = Form(name=text).name
    except ValidationError as refusal:
        codes = {error["type"] for error in refusal.errors()}
    else:
        codes = set()
        assert has_visible(taken)
        assert len(taken) <= 20
        assert "\n" not in taken
    assert codes <= {"text_invalid", "text_missing", "text_too_long"}
