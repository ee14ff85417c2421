"""Stripe's operations, one function each, and the table that maps requests to them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from devtools.stripe_sim import allowed, cards, checkout, currencies, intents, refunds, views
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.params import Group
from devtools.stripe_sim.world import World

Runner = Callable[[World, Object, str], Object]
"""Takes the account, the typed parameters and the id in the path (or an empty string)."""


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Args:
        method: HTTP method.
        path: Path with its placeholder named as in Stripe's OpenAPI description.
        allowed: The parameters it takes.
        run: What it does.
    """

    method: str
    path: str
    allowed: Group
    run: Runner

    @property
    def name(self) -> str:
        """How faults and reports call it: `POST /v1/refunds`."""
        return f"{self.method} {self.path}"


def _create_session(world: World, params: Object, _key: str) -> Object:
    return checkout.create(world, params)


def _list_sessions(world: World, params: Object, _key: str) -> Object:
    email = params.get("customer_details", {}).get("email")

    def keep(session: Object) -> bool:
        details = session["customer_details"] or {}
        return (
            params.get("payment_intent") in (None, session["payment_intent"])
            and params.get("status") in (None, session["status"])
            and email in (None, details.get("email"))
        )

    return views.page(world, "checkout.session", "/v1/checkout/sessions", params, keep)


def _expire_session(world: World, _params: Object, key: str) -> Object:
    return checkout.expire(world, world.store.get("checkout.session", key, "session"))


def _session_lines(world: World, params: Object, key: str) -> Object:
    lines = views.line_items(world, world.store.get("checkout.session", key, "session"))
    return views.show(world, lines, params.get("expand", []))


def _create_intent(world: World, params: Object, _key: str) -> Object:
    params["currency"] = params["currency"].lower()
    if params["amount"] < 1:
        raise StripeFault("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if "statement_descriptor" in params:
        raise StripeFault(
            "The `statement_descriptor` parameter is not supported for the card payment method type. "
            "Use `statement_descriptor_suffix` instead.",
            code="payment_intent_invalid_parameter",
            param="statement_descriptor",
        )
    if "automatic_payment_methods" in params and "payment_method_types" in params:
        raise StripeFault(
            "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.",
        )
    currencies.require_chargeable(params["amount"], params["currency"], world.rates, session=False)
    if "payment_method" in params:
        _test_card(params["payment_method"])
    intent = intents.create(world, params)
    if params.get("confirm"):
        return _confirm(world, intent, params)
    if "payment_method" in params:
        world.store.put("private", intent["id"], {"session": None, "chosen": params["payment_method"]})
        intent["status"] = "requires_confirmation"
        world.store.save(intent)
    return intent


def _confirm_intent(world: World, params: Object, key: str) -> Object:
    intent = world.store.get("payment_intent", key, "intent")
    _require_own(world, intent, "confirm")
    if "receipt_email" in params:
        intent["receipt_email"] = params["receipt_email"]
    return _confirm(world, intent, params)


def _confirm(world: World, intent: Object, params: Object) -> Object:
    chosen = params.get("payment_method") or world.store.get("private", intent["id"]).get("chosen")
    if chosen is None:
        raise StripeFault(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the PaymentIntent with a payment method and then confirm it again, or confirm it again "
            "directly with a payment method.",
            code="payment_intent_unexpected_state",
            more={"payment_intent": dict(intent)},
        )
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and "return_url" not in params:
        raise StripeFault(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because "
            "some of these payment methods might redirect your customer off of your page, you must provide a "
            "`return_url`.",
            more={"payment_intent": dict(intent)},
        )
    card = _test_card(chosen)
    status = intents.attempt(
        world, intent, card, {"email": intent["receipt_email"]}, return_url=params.get("return_url")
    )
    if status == "requires_payment_method":
        raise intents.declined(intent)
    return intent


def _test_card(payment_method: str) -> cards.Card:
    number = cards.PAYMENT_METHODS.get(payment_method)
    if number is None:
        raise StripeFault(
            f"No such PaymentMethod: '{payment_method}'", code="resource_missing", param="payment_method"
        )
    return cards.CARDS[number]


def _cancel_intent(world: World, params: Object, key: str) -> Object:
    intent = world.store.get("payment_intent", key, "intent")
    _require_own(world, intent, "cancel")
    return intents.cancel(world, intent, params.get("cancellation_reason"))


def _require_own(world: World, intent: Object, verb: str) -> None:
    if world.store.get("private", intent["id"]).get("session"):
        raise StripeFault(
            f"You cannot {verb} this PaymentIntent because it was created by Checkout. "
            "Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
            more={"payment_intent": dict(intent)},
        )


def _create_refund(world: World, params: Object, _key: str) -> Object:
    return refunds.create(world, params)


def _list_events(world: World, params: Object, _key: str) -> Object:
    if "type" in params and "types" in params:
        raise StripeFault("You may pass either `type` or `types`, but not both.", param="types")
    if len(params.get("types", [])) > 20:  # noqa: PLR2004 - Stripe's documented bound
        raise StripeFault("You may pass at most 20 `types`.", param="types")
    wanted = params.get("types") or [params.get("type", "*")]

    def keep(event: Object) -> bool:
        delivered = event["pending_webhooks"] == 0
        return params.get("delivery_success") in (None, delivered) and any(
            fnmatch.fnmatchcase(event["type"], pattern) for pattern in wanted
        )

    return views.page(world, "event", "/v1/events", params, keep)


def _balance(world: World, _params: Object, _key: str) -> Object:
    net = sum(item["net"] for item in world.store.all("balance_transaction").values())
    amount = {"amount": net, "currency": currencies.SETTLEMENT, "source_types": {"card": net}}
    nothing = {"amount": 0, "currency": currencies.SETTLEMENT, "source_types": {"card": 0}}
    return {"object": "balance", "available": [nothing], "livemode": False, "pending": [amount]}


def _retrieve(kind: str, param: str) -> Runner:
    return lambda world, _params, key: world.store.get(kind, key, param)


def _listed(kind: str, url: str, *fields: str) -> Runner:
    def run(world: World, params: Object, _key: str) -> Object:
        return views.page(
            world, kind, url, params, lambda body: all(params.get(f) in (None, body[f]) for f in fields)
        )

    return run


def _describe(kind: str, param: str) -> Runner:
    """Merge metadata into an object; an empty value unsets a key."""

    def run(world: World, params: Object, key: str) -> Object:
        body = world.store.get(kind, key, param)
        merged = {**(body["metadata"] or {}), **params.get("metadata", {})}
        body["metadata"] = {name: value for name, value in merged.items() if value != ""}
        return world.store.save(body)

    return run


def _charge_refunds(world: World, params: Object, key: str) -> Object:
    world.store.get("charge", key, "charge")
    url = f"/v1/charges/{key}/refunds"
    return views.page(world, "refund", url, params, lambda refund: bool(refund["charge"] == key))


OPERATIONS = [
    Operation("POST", "/v1/checkout/sessions", allowed.SESSION_CREATE, _create_session),
    Operation("GET", "/v1/checkout/sessions", allowed.SESSION_LIST, _list_sessions),
    Operation(
        "GET", "/v1/checkout/sessions/{session}", allowed.RETRIEVE, _retrieve("checkout.session", "session")
    ),
    Operation(
        "POST",
        "/v1/checkout/sessions/{session}",
        allowed.METADATA_UPDATE,
        _describe("checkout.session", "session"),
    ),
    Operation("POST", "/v1/checkout/sessions/{session}/expire", allowed.RETRIEVE, _expire_session),
    Operation("GET", "/v1/checkout/sessions/{session}/line_items", allowed.LINE_ITEMS, _session_lines),
    Operation("POST", "/v1/payment_intents", allowed.INTENT_CREATE, _create_intent),
    Operation(
        "GET", "/v1/payment_intents", allowed.INTENT_LIST, _listed("payment_intent", "/v1/payment_intents")
    ),
    Operation(
        "GET", "/v1/payment_intents/{intent}", allowed.INTENT_RETRIEVE, _retrieve("payment_intent", "intent")
    ),
    Operation(
        "POST", "/v1/payment_intents/{intent}", allowed.METADATA_UPDATE, _describe("payment_intent", "intent")
    ),
    Operation("POST", "/v1/payment_intents/{intent}/confirm", allowed.INTENT_CONFIRM, _confirm_intent),
    Operation("POST", "/v1/payment_intents/{intent}/cancel", allowed.INTENT_CANCEL, _cancel_intent),
    Operation(
        "GET",
        "/v1/payment_methods/{payment_method}",
        allowed.RETRIEVE,
        _retrieve("payment_method", "payment_method"),
    ),
    Operation("GET", "/v1/charges", allowed.CHARGE_LIST, _listed("charge", "/v1/charges", "payment_intent")),
    Operation("GET", "/v1/charges/{charge}", allowed.RETRIEVE, _retrieve("charge", "charge")),
    Operation("POST", "/v1/charges/{charge}", allowed.METADATA_UPDATE, _describe("charge", "charge")),
    Operation("GET", "/v1/charges/{charge}/refunds", allowed.LINE_ITEMS, _charge_refunds),
    Operation("POST", "/v1/refunds", allowed.REFUND_CREATE, _create_refund),
    Operation(
        "GET",
        "/v1/refunds",
        allowed.REFUND_LIST,
        _listed("refund", "/v1/refunds", "charge", "payment_intent"),
    ),
    Operation("GET", "/v1/refunds/{refund}", allowed.RETRIEVE, _retrieve("refund", "refund")),
    Operation("POST", "/v1/refunds/{refund}", allowed.METADATA_UPDATE, _describe("refund", "refund")),
    Operation(
        "GET",
        "/v1/balance_transactions",
        allowed.TRANSACTION_LIST,
        _listed("balance_transaction", "/v1/balance_transactions", "currency", "source", "type"),
    ),
    Operation(
        "GET", "/v1/balance_transactions/{id}", allowed.RETRIEVE, _retrieve("balance_transaction", "id")
    ),
    Operation("GET", "/v1/balance", allowed.RETRIEVE, _balance),
    Operation("GET", "/v1/events", allowed.EVENT_LIST, _list_events),
    Operation("GET", "/v1/events/{id}", allowed.RETRIEVE, _retrieve("event", "id")),
]


def perform(world: World, operation: Operation, params: Object, key: str) -> Object:
    """Run an operation with typed parameters and give what the client sees."""
    expand = params.get("expand", [])
    body = operation.run(world, params, key)
    if body["object"] == "list":  # expanded where it was cut
        return body
    return views.show(world, body, expand)
