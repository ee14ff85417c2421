"""Errors in Stripe's own shape (https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes)."""

from __future__ import annotations

from devtools.stripe_sim.kinds import Object

DOCUMENTED_CODES = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "api_key_expired",
        "card_declined",
        "charge_already_refunded",
        "expired_card",
        "idempotency_key_in_use",
        "incorrect_cvc",
        "incorrect_number",
        "parameter_invalid_empty",
        "parameter_invalid_integer",
        "parameter_missing",
        "parameter_unknown",
        "payment_intent_authentication_failure",
        "payment_intent_unexpected_state",
        "processing_error",
        "rate_limit",
        "resource_missing",
        "url_invalid",
    },
)
"""Codes that get a `doc_url`, as Stripe's errors do."""


class StripeFault(Exception):
    """A refusal that becomes Stripe's error body.

    Args:
        message: What Stripe's `message` says.
        status: HTTP status.
        kind: Stripe's error `type`.
        code: Stripe's error `code`, if it has one.
        param: The parameter at fault, in bracket form (`line_items[0][quantity]`).
        more: Further members of the error (`decline_code`, `payment_intent`, …).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        more: Object | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.kind = message, status, kind
        self.code, self.param, self.more = code, param, more or {}

    def error(self) -> Object:
        """The `error` object without the envelope."""
        error: Object = {"type": self.kind, "message": self.message}
        if self.code:
            error["code"] = self.code
            if self.code in DOCUMENTED_CODES:
                error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return error | self.more


def missing(kind: str, object_id: str, param: str) -> StripeFault:
    """The 404 for an object that does not exist."""
    label = "checkout session" if kind == "checkout.session" else kind
    return StripeFault(f"No such {label}: '{object_id}'", status=404, code="resource_missing", param=param)


def unauthenticated(message: str) -> StripeFault:
    """The 401 for a key that is absent or not a test key."""
    return StripeFault(message, status=401)
