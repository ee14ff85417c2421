"""Refunds, which together can never exceed what was captured."""

from __future__ import annotations

from devtools.stripe_sim import charges, currencies
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.world import World


def create(world: World, params: Object) -> Object:
    """Refund a charge, wholly or in part.

    Raises:
        StripeFault: no charge, nothing left, or more than is left.
    """
    charge = _charge(world, params)
    left = charges.require_refundable(charge)
    amount: int = params.get("amount", left)
    currency = charge["currency"]
    if amount < 1:
        raise StripeFault("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise StripeFault(
            f"Refund amount ({currencies.display(amount, currency)}) is greater than unrefunded amount on "
            f"charge ({currencies.display(left, currency)})",
            param="amount",
        )
    charges.settle(world, charge)
    refund = _build(world, charge, amount, params)
    transaction = charges.balance_transaction(world, refund, amount, "refund")
    refund["balance_transaction"] = transaction["id"]
    world.store.save(refund)
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    world.store.save(charge)
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge, previous)
    return refund


def _charge(world: World, params: Object) -> Object:
    charge_id, intent_id = params.get("charge"), params.get("payment_intent")
    if charge_id is None and intent_id is None:
        raise StripeFault(
            "One of the following params should be provided for this request: payment_intent or charge.",
        )
    if charge_id is not None:
        charge = world.store.get("charge", charge_id, "charge")
        if intent_id not in (None, charge["payment_intent"]):
            raise StripeFault("The charge does not belong to that PaymentIntent.", param="payment_intent")
    else:
        intent = world.store.get("payment_intent", str(intent_id), "payment_intent")
        latest = intent["latest_charge"]
        if intent["status"] != "succeeded" or latest is None:
            raise StripeFault(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            )
        charge = world.store.get("charge", latest)
    if charge["status"] == "failed":
        raise StripeFault(f"Charge {charge['id']} failed, and cannot be refunded.", param="charge")
    return charge


def _build(world: World, charge: Object, amount: int, params: Object) -> Object:
    card = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {
        "id": new_id("re_3", 23),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.now,
        "currency": charge["currency"],
        "destination_details": {"card": card, "type": "card"},
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
