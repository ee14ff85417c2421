"""Text from outside: brought into one form, refused where it could deceive or break something."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from app.core.errors import AppError

# Control characters but tab and line ends; overrides and isolates that make text read other than it is
# stored (Unicode TR 36, "Bidirectional Text Spoofing"); lone surrogates; noncharacters. Joiners stay: Persian
# and many Indic names need them. So do the plain direction marks.
_CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_DECEIVING = r"\u202a-\u202e\u2066-\u2069"
_NONCHARACTERS = r"\ufdd0-\ufdef\ufffe\uffff"
_REFUSED = re.compile(rf"[{_CONTROLS}{_DECEIVING}{_NONCHARACTERS}\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_SPACES_IN_LINE = re.compile(r"[^\S\n]+")
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")
_VISIBLE = frozenset("LNPS")
# Without the surrogates, which regular expressions of JSON Schema cannot name and strict JSON cannot hold.
_SCHEMA_PATTERN = f"^[^{_CONTROLS}{_DECEIVING}{_NONCHARACTERS}]*$"
_SPARE = 1000


class InvalidText(AppError):
    """The text holds something that is no text: control characters, hidden changes of direction."""

    code = "text_invalid"
    detail = "This text holds characters that cannot be shown. Please type it again."


class TextTooLong(AppError):
    """The text has more characters than the field takes."""

    code = "text_too_long"
    detail = "This text is too long."


class TextMissing(AppError):
    """There is nothing to read in the text."""

    code = "text_missing"
    detail = "Please fill this in."


def clean_line(value: str, max_length: int) -> str:
    """One line of text in NFC, trimmed, every run of white space a single space; may be empty.

    Raises:
        InvalidText: control characters, lone surrogates, bidirectional overrides or isolates.
        TextTooLong: more than `max_length` characters are left.
    """
    return _limited(_SPACES.sub(" ", _normalised(value, max_length)).strip(), max_length)


def clean_text(value: str, max_length: int) -> str:
    r"""Text of several lines: as `clean_line`, but line ends (as LF) and single blank lines stay."""
    lines = _LINE_END.sub("\n", _normalised(value, max_length)).split("\n")
    tidy = "\n".join(_SPACES_IN_LINE.sub(" ", line).strip() for line in lines)
    return _limited(_BLANK_LINES.sub("\n\n", tidy).strip(), max_length)


def has_visible(value: str) -> bool:
    """Whether there is at least one letter, figure, mark of punctuation or symbol in it."""
    return any(unicodedata.category(character)[0] in _VISIBLE for character in value)


@dataclass(frozen=True, slots=True)
class Line:
    """Marks a model's field as one line: `Name = Annotated[str, Line(200)]`.

    A line that must not be empty (`required`, the default) needs something visible in it. What is refused
    becomes an error of the field, with the codes above as its type.
    """

    max_length: int
    required: bool = True

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.clean, handler(source))

    # Any: the shape of a JSON schema is Pydantic's own dict[str, Any].
    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described = handler(schema)
        limits = {"maxLength": self.max_length, "pattern": _SCHEMA_PATTERN}
        return described | limits | ({"minLength": 1} if self.required else {})

    def clean(self, value: str) -> str:
        """The cleaned line. Raises PydanticCustomError, which Pydantic reports at the field."""
        try:
            return _required(self._cleaned(value), self.required)
        except AppError as refusal:
            raise PydanticCustomError(refusal.code, "{detail}", {"detail": refusal.detail}) from None

    def _cleaned(self, value: str) -> str:
        return clean_line(value, self.max_length)


@dataclass(frozen=True, slots=True)
class Paragraphs(Line):
    """Marks a model's field as text of several lines: `Comment = Annotated[str, Paragraphs(500)]`."""

    def _cleaned(self, value: str) -> str:
        return clean_text(value, self.max_length)


def _normalised(value: str, max_length: int) -> str:
    # A text that is far too long is not worth normalising; the spare is for white space that will go.
    if len(value) > 4 * max_length + _SPARE:
        raise _too_long(max_length)
    if _REFUSED.search(value):
        raise InvalidText
    return unicodedata.normalize("NFC", value)


def _limited(value: str, max_length: int) -> str:
    if len(value) > max_length:
        raise _too_long(max_length)
    return value


def _too_long(max_length: int) -> TextTooLong:
    return TextTooLong(f"This text is too long: at most {max_length} characters.")


def _required(value: str, required: bool) -> str:
    if required and not has_visible(value):
        raise TextMissing
    return value
