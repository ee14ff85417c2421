"""Form encoding as Stripe uses it: `line_items[0][price_data][currency]=gbp`, `expand[]=payment_intent`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", re.ASCII)
_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_DEPTH = 10


def decode(encoded: bytes) -> Object:
    """Turn a query string or form body into nested dictionaries of strings.

    Arrays stay dictionaries with the keys `"0"`, `"1"`, …: only a schema can tell them apart.

    Raises:
        StripeFault: broken encoding, malformed names, or a name that is both a value and a group.
    """
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as problem:
        raise StripeFault("Invalid request: the parameters are not form-encoded UTF-8.") from problem
    tree: Object = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise StripeFault("Invalid request: null bytes are not allowed in parameters.")
        _place(tree, _path(name), name, value)
    return tree


def _path(name: str) -> list[str]:
    match = _KEY.fullmatch(name)
    if match is None:
        raise StripeFault(f"Invalid parameter name: {name[:100]}", code="parameter_unknown", param=name[:100])
    path = [match[1], *_PART.findall(match[2])]
    if len(path) > _MAX_DEPTH:
        raise StripeFault(
            "Invalid request: parameters are nested too deeply.",
            code="parameter_unknown",
            param=match[1],
        )
    return path


def _place(tree: Object, path: list[str], name: str, value: str) -> None:
    node: Any = tree  # either a group or a value that stands where a group is needed
    for part in path[:-1]:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise StripeFault(f"Invalid parameter: {name} is both a value and a group.", param=name)
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise StripeFault(f"Invalid parameter: {name} is both a value and a group.", param=name)
    node[last] = value


def flatten(tree: Object, prefix: str = "") -> list[tuple[str, str]]:
    """The pairs of a decoded tree in a stable order, for comparing two requests."""
    pairs: list[tuple[str, str]] = []
    for key in sorted(tree):
        name = f"{prefix}[{key}]" if prefix else key
        value = tree[key]
        pairs += flatten(value, name) if isinstance(value, dict) else [(name, value)]
    return pairs
