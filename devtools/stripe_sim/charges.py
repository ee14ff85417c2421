"""Payment methods, charges and the balance transactions behind them."""

from __future__ import annotations

import time
from decimal import ROUND_HALF_UP, Decimal

from devtools.stripe_sim import currencies
from devtools.stripe_sim.cards import Card
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.world import World

FEE_RATE, FEE_FIXED = Decimal("0.015"), 20
CONVERSION_RATE = Decimal("0.02")
_WEEK = 7 * 86_400
_CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}


def payment_method(world: World, card: Card, payer: Object) -> Object:
    """Make the payment method of one attempt."""
    return world.store.save(
        {
            "id": new_id("pm_1", 23),
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": billing_details(payer),
            "card": _method_card(card),
            "created": world.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
        },
    )


def billing_details(payer: Object) -> Object:
    """Who pays, in Stripe's shape."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "address": address,
        "email": payer.get("email"),
        "name": payer.get("name"),
        "phone": None,
        "tax_id": None,
    }


def _method_card(card: Card) -> Object:
    return {
        "brand": card.brand,
        "checks": dict(_CHECKS),
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"Sim{card.number[-6:]}{card.brand}",
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _charge_card(card: Card, *, authenticated: bool) -> Object:
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": new_id("", 22),
        "version": "2.2.0",
    }
    return {
        "amount_authorized": None,
        "authorization_code": None,
        "brand": card.brand,
        "checks": dict(_CHECKS),
        "country": card.country,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"Sim{card.number[-6:]}{card.brand}",
        "funding": "credit",
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": new_id("", 15),
        "regulated_status": "unregulated",
        "three_d_secure": secure if authenticated else None,
        "wallet": None,
    }


def create(
    world: World, intent: Object, method: Object, card: Card, *, failed: bool, authenticated: bool
) -> Object:
    """Charge a card for an intent, with or without success, and emit the event."""
    charge: Object = dict.fromkeys(_ABSENT) | {
        "id": new_id("ch_3", 23),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if failed else intent["amount"],
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "HAVEN SIMULATOR",
        "captured": not failed,
        "created": world.now,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": card.code if failed else None,
        "failure_message": card.message if failed else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(card, failed=failed),
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": _charge_card(card, authenticated=authenticated), "type": "card"},
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_url": None if failed else f"{world.base_url}/receipts/{intent['id']}",
        "refunded": False,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if failed else "succeeded",
    }
    world.store.save(charge)
    if not failed:
        _arrange_settlement(world, charge, intent)
    world.emit("charge.failed" if failed else "charge.succeeded", charge)
    return charge


_ABSENT = (
    "application", "application_fee", "application_fee_amount", "balance_transaction", "customer",
    "failure_balance_transaction", "on_behalf_of", "receipt_number", "review", "shipping", "source_transfer",
    "statement_descriptor", "transfer_data", "transfer_group",
)  # fmt: skip


def _outcome(card: Card, *, failed: bool) -> Object:
    if failed:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": "01",
            "network_status": "declined_by_network",
            "reason": card.decline_code,
            "risk_level": "normal",
            "risk_score": 20,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _arrange_settlement(world: World, charge: Object, intent: Object) -> None:
    """Balance transactions come later under `automatic_async`, Stripe's default since 2024-04-10."""
    if intent["capture_method"] == "automatic_async" and world.settle_seconds > 0:
        world.store.put("due", charge["id"], {"at": time.time() + world.settle_seconds})
    else:
        _settle(world, charge)


def settle_due(world: World, *, everything: bool = False) -> None:
    """Give the charges whose time has come their balance transaction."""
    for charge_id, due in list(world.store.all("due").items()):
        if everything or due["at"] <= time.time():
            settle(world, world.store.get("charge", charge_id))


def settle(world: World, charge: Object) -> None:
    """Give a charge its balance transaction now, if it waits for one."""
    if world.store.find("due", charge["id"]) is None:
        return
    world.store.drop("due", charge["id"])
    _settle(world, charge)
    world.emit("charge.updated", charge, {"balance_transaction": None})


def _settle(world: World, charge: Object) -> None:
    transaction = balance_transaction(world, charge, charge["amount"], "charge")
    charge["balance_transaction"] = transaction["id"]
    world.store.save(charge)


def balance_transaction(world: World, source: Object, amount: int, kind: str) -> Object:
    """Book a movement in the settlement currency.

    Args:
        world: The account.
        source: The charge or refund behind it.
        amount: Minor units of the source's currency, always positive.
        kind: `charge` (with a fee) or `refund` (without; Stripe keeps the charge's fee).
    """
    currency = source["currency"]
    rate = Decimal(world.rates[currency])
    converted = currency != currencies.SETTLEMENT
    sign = 1 if kind == "charge" else -1
    settled = sign * currencies.convert(amount, currency, rate)
    fee = _fee(settled, converted=converted) if kind == "charge" else 0
    return world.store.save(
        {
            "id": new_id("txn_3", 23),
            "object": "balance_transaction",
            "amount": settled,
            "available_on": (world.now + _WEEK) // 86_400 * 86_400,
            "balance_type": "payments",
            "created": world.now,
            "currency": currencies.SETTLEMENT,
            "description": source.get("description"),
            "exchange_rate": float(rate) if converted else None,
            "fee": fee,
            "fee_details": _fee_details(fee) if fee else [],
            "net": settled - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        },
    )


def _fee(settled: int, *, converted: bool) -> int:
    share = FEE_RATE + (CONVERSION_RATE if converted else 0)
    return FEE_FIXED + int((settled * share).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _fee_details(fee: int) -> list[Object]:
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currencies.SETTLEMENT,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        },
    ]


def require_refundable(charge: Object) -> int:
    """Minor units of a charge that may still be refunded; raises when there are none."""
    if charge["refunded"]:
        raise StripeFault(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        raise StripeFault(f"Charge {charge['id']} was not captured and cannot be refunded.", param="charge")
    return left
