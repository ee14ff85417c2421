"""PaymentIntents: created, attempted, authenticated, cancelled."""

from __future__ import annotations

from devtools.stripe_sim import charges
from devtools.stripe_sim.cards import CARDS, Card
from devtools.stripe_sim.errors import DOCUMENTED_CODES, StripeFault
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.world import World

AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again."
)
_ABSENT = (
    "application", "application_fee_amount", "automatic_payment_methods", "canceled_at",
    "cancellation_reason", "customer", "customer_account", "excluded_payment_method_types",
    "last_payment_error", "latest_charge", "managed_payments", "next_action", "on_behalf_of",
    "payment_method", "payment_method_configuration_details", "processing", "review", "setup_future_usage",
    "shipping", "statement_descriptor", "transfer_data", "transfer_group",
)  # fmt: skip
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(world: World, params: Object, *, session_id: str | None = None) -> Object:
    """Make an intent for an amount that has been checked, and emit `payment_intent.created`."""
    intent_id = new_id("pi_3", 23)
    automatic = params.get("automatic_payment_methods")
    chosen = params.get("payment_method_types")
    intent: Object = dict.fromkeys(_ABSENT) | {
        "id": intent_id,
        "object": "payment_intent",
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": world.now,
        "currency": params["currency"],
        "description": params.get("description"),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "payment_method_options": {"card": _card_options()},
        "payment_method_types": chosen or ["card"],
        "receipt_email": params.get("receipt_email"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
    }
    if session_id is None and chosen is None:
        automatic = automatic or {"enabled": True}
        intent["automatic_payment_methods"] = {"allow_redirects": "always"} | automatic
    world.store.put("private", intent_id, {"session": session_id})
    world.store.save(intent)
    world.emit("payment_intent.created", intent)
    return intent


def _card_options() -> Object:
    return {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }


def attempt(world: World, intent: Object, card: Card, payer: Object, *, return_url: str | None) -> str:
    """Try to pay with a card; the intent's status afterwards says how it went.

    Raises:
        StripeFault: the intent takes no more attempts.
    """
    if intent["status"] not in _OPEN:
        raise unexpected_state(intent, "confirm")
    method = charges.payment_method(world, card, payer)
    intent |= {"last_payment_error": None, "next_action": None, "payment_method": method["id"]}
    if card.outcome == "authenticates":
        intent["status"] = "requires_action"
        intent["next_action"] = _next_action(world, intent, return_url)
        private = world.store.get("private", intent["id"])
        private |= {"card": card.number, "return_url": return_url}
        world.store.put("private", intent["id"], private)
        world.store.save(intent)
        world.emit("payment_intent.requires_action", intent)
    elif card.outcome == "declines":
        _decline(world, intent, card, method, authenticated=False)
    else:
        _succeed(world, intent, card, method, authenticated=False)
    return str(intent["status"])


def authenticate(world: World, intent: Object, *, passed: bool) -> str:
    """Finish 3-D Secure, one way or the other; the status afterwards says how it went."""
    private = world.store.get("private", intent["id"])
    if intent["status"] != "requires_action":
        return str(intent["status"])
    card = CARDS[private.pop("card")]
    world.store.put("private", intent["id"], private)
    method = world.store.get("payment_method", intent["payment_method"])
    intent["next_action"] = None
    if not passed:
        error = {
            "code": "payment_intent_authentication_failure",
            "doc_url": "https://stripe.com/docs/error-codes/payment-intent-authentication-failure",
            "message": AUTHENTICATION_FAILED,
            "payment_method": method,
            "type": "invalid_request_error",
        }
        _fail(world, intent, error)
    elif card.code:
        _decline(world, intent, card, method, authenticated=True)
    else:
        _succeed(world, intent, card, method, authenticated=True)
    return str(intent["status"])


def cancel(world: World, intent: Object, reason: str | None) -> Object:
    """Cancel an intent that has not been paid; raises for one that has."""
    if intent["status"] not in _OPEN:
        raise unexpected_state(intent, "cancel")
    intent |= {
        "canceled_at": world.now,
        "cancellation_reason": reason,
        "next_action": None,
        "status": "canceled",
    }
    world.store.save(intent)
    world.emit("payment_intent.canceled", intent)
    return intent


def unexpected_state(intent: Object, verb: str) -> StripeFault:
    """The refusal of a step that the intent's status does not allow."""
    status = intent["status"]
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {status}. Only a PaymentIntent "
        f"with one of the following statuses may be {verb}ed: {', '.join(_OPEN)}."
    )
    if verb == "confirm" and status == "succeeded":
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously "
            "confirmed."
        )
    return StripeFault(message, code="payment_intent_unexpected_state", more={"payment_intent": dict(intent)})


def _next_action(world: World, intent: Object, return_url: str | None) -> Object:
    if return_url is None:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    url = f"{world.base_url}/3ds/{intent['id']}"
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}


def _succeed(world: World, intent: Object, card: Card, method: Object, *, authenticated: bool) -> None:
    charge = charges.create(world, intent, method, card, failed=False, authenticated=authenticated)
    intent |= {
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
        "status": "succeeded",
    }
    world.store.save(intent)
    world.emit("payment_intent.succeeded", intent)


def _decline(world: World, intent: Object, card: Card, method: Object, *, authenticated: bool) -> None:
    charge = charges.create(world, intent, method, card, failed=True, authenticated=authenticated)
    intent["latest_charge"] = charge["id"]
    error: Object = {
        "charge": charge["id"],
        "code": card.code,
        "message": card.message,
        "payment_method": method,
        "type": "card_error",
    }
    if card.code in DOCUMENTED_CODES:
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{card.code.replace('_', '-')}"
    if card.code in {"card_declined", "processing_error"}:
        error["decline_code"] = card.decline_code
    if param := {"expired_card": "exp_month", "incorrect_cvc": "cvc"}.get(card.code):
        error["param"] = param
    _fail(world, intent, error)


def _fail(world: World, intent: Object, error: Object) -> None:
    intent |= {"last_payment_error": error, "payment_method": None, "status": "requires_payment_method"}
    world.store.save(intent)
    world.emit("payment_intent.payment_failed", intent)


def declined(intent: Object) -> StripeFault:
    """The 402 that an API client gets for a failed attempt."""
    error = dict(intent["last_payment_error"])
    message, kind, code = error.pop("message"), error.pop("type"), error.pop("code")
    error.pop("doc_url", None)
    param = error.pop("param", None)
    status = 402 if kind == "card_error" else 400
    more = error | {"payment_intent": dict(intent)}
    return StripeFault(message, status=status, kind=kind, code=code, param=param, more=more)
