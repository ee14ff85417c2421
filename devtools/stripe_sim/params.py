"""Typed parameters: an allow-list per operation that refuses what Stripe would refuse, in its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_METADATA_KEYS, _METADATA_KEY, _METADATA_VALUE = 50, 40, 500


class Kind(Protocol):
    """Reads one raw value; raises StripeFault naming `param`."""

    def read(self, raw: Any, param: str) -> Any:
        """The typed value; Any because each kind gives another."""


def _text(raw: Any, param: str) -> str:
    if not isinstance(raw, str):
        raise StripeFault(f"Invalid string: {param} must be a string.", param=param)
    if not raw:
        raise StripeFault(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{param}' cannot be unset. You should remove '{param}' from your request "
            "or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=param,
        )
    return raw


@dataclass(frozen=True)
class Text:
    """A string of at most `limit` characters."""

    limit: int = 5000

    def read(self, raw: Any, param: str) -> str:
        """The string; refuses empty and too long ones."""
        value = _text(raw, param)
        if len(value) > self.limit:
            raise StripeFault(
                f"Invalid string: {value[:10]}...; must be at most {self.limit} characters",
                param=param,
            )
        return value


@dataclass(frozen=True)
class Choice:
    """One of a fixed set of words."""

    words: tuple[str, ...]

    def read(self, raw: Any, param: str) -> str:
        """The word; refuses any other."""
        value = _text(raw, param)
        if value not in self.words:
            known = ", ".join(self.words[:-1]) + f", or {self.words[-1]}" if self.words[1:] else self.words[0]
            raise StripeFault(f"Invalid {param}: must be one of {known}", param=param)
        return value


class Integer:
    """A whole number."""

    def read(self, raw: Any, param: str) -> int:
        """The number; refuses anything else."""
        value = _text(raw, param)
        if not _INTEGER.fullmatch(value):
            raise StripeFault(f"Invalid integer: {value[:50]}", code="parameter_invalid_integer", param=param)
        return int(value)


class Boolean:
    """`true` or `false`."""

    def read(self, raw: Any, param: str) -> bool:
        """The truth value; refuses anything else."""
        value = _text(raw, param)
        if value not in {"true", "false"}:
            raise StripeFault(f"Invalid boolean: {value[:50]}", param=param)
        return value == "true"


class Email:
    """An e-mail address, checked as loosely as Stripe does."""

    def read(self, raw: Any, param: str) -> str:
        """The address."""
        value = Text(512).read(raw, param)
        if not _EMAIL.fullmatch(value):
            raise StripeFault(f"Invalid email address: {value}", code="email_invalid", param=param)
        return value


class Url:
    """An absolute http(s) address."""

    def read(self, raw: Any, param: str) -> str:
        """The address."""
        value = Text(5000).read(raw, param)
        if not re.match(r"https?://[^/\s]+", value) or re.search(r"\s", value):
            raise StripeFault(
                "Not a valid URL. URL must be 5000 characters or less.", code="url_invalid", param=param
            )
        return value


class Metadata:
    """Up to 50 keys of 40 characters with values of 500 (https://docs.stripe.com/api/metadata)."""

    def read(self, raw: Any, param: str) -> Object:
        """The pairs; an empty value unsets a key."""
        if raw == "":
            return {}
        if not isinstance(raw, dict):
            raise StripeFault("Metadata must be a hash", param=param)
        if len(raw) > _METADATA_KEYS:
            raise StripeFault(
                f"You can only set up to {_METADATA_KEYS} keys in the metadata hash.", param=param
            )
        for key, value in raw.items():
            self._check(key, value, param)
        return dict(raw)

    def _check(self, key: str, value: Any, param: str) -> None:
        if len(key) > _METADATA_KEY:
            raise StripeFault(
                f"Metadata keys must be 40 characters or less, but you passed in {len(key)}.", param=param
            )
        if not isinstance(value, str):
            raise StripeFault(f"Metadata values must be strings, but '{key}' is a hash.", param=param)
        if len(value) > _METADATA_VALUE:
            raise StripeFault(
                f"Metadata values can have up to 500 characters, but you passed in a value that is "
                f"{len(value)} characters. Invalid value: {value[:50]}",
                param=f"{param}[{key}]",
            )


@dataclass(frozen=True)
class Several:
    """An array of one kind."""

    item: Kind

    def read(self, raw: Any, param: str) -> list[Any]:
        """The values in the order of their indices."""
        if not isinstance(raw, dict) or not all(re.fullmatch(r"[0-9]{1,4}", key, re.ASCII) for key in raw):
            raise StripeFault("Invalid array", param=param)
        return [self.item.read(raw[key], f"{param}[{key}]") for key in sorted(raw, key=int)]


@dataclass(frozen=True)
class Group:
    """A hash with known members."""

    members: Mapping[str, Kind]
    required: frozenset[str] = field(default_factory=frozenset)

    def read(self, raw: Any, param: str) -> Object:
        """The typed members; refuses unknown and missing ones."""
        if not isinstance(raw, dict):
            raise StripeFault("Invalid object", param=param)
        for name in raw:
            if name not in self.members:
                full = _inside(param, name)
                raise StripeFault(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)
        for name in sorted(self.required - set(raw)):
            full = _inside(param, name)
            raise StripeFault(f"Missing required param: {full}.", code="parameter_missing", param=full)
        return {name: self.members[name].read(value, _inside(param, name)) for name, value in raw.items()}


class Moment:
    """A time: a number, or a range `{gt, gte, lt, lte}`."""

    _range = Group({name: Integer() for name in ("gt", "gte", "lt", "lte")})

    def read(self, raw: Any, param: str) -> Object:
        """The range; a single number is the range of that second."""
        if isinstance(raw, dict):
            return self._range.read(raw, param)
        second = Integer().read(raw, param)
        return {"gte": second, "lte": second}


def _inside(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
