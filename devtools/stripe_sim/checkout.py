"""Checkout Sessions: created, paid on the hosted page, expired."""

from __future__ import annotations

from devtools.stripe_sim import currencies, intents
from devtools.stripe_sim.cards import Card
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.world import World

DAY, HALF_HOUR = 86_400, 1_800
_ABSENT = (
    "after_expiration", "allow_promotion_codes", "billing_address_collection", "client_secret",
    "collected_information", "consent", "consent_collection", "currency_conversion", "customer",
    "customer_account", "customer_details", "integration_identifier", "invoice", "managed_payments",
    "optional_items", "origin_context", "payment_intent", "payment_link", "payment_method_collection",
    "payment_method_configuration_details", "permissions", "recovered_from",
    "saved_payment_method_options", "setup_intent", "shipping_address_collection", "shipping_cost",
    "subscription",
)  # fmt: skip
_ECHOED = (
    "allow_promotion_codes", "billing_address_collection", "cancel_url", "client_reference_id",
    "customer_email", "locale", "origin_context", "submit_type", "success_url",
)  # fmt: skip

_BRANDING = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0074d4",
    "display_name": "Haven (simulated Stripe account)",
    "font_family": "default",
    "icon": None,
    "logo": None,
}


def create(world: World, params: Object) -> Object:
    """Make an open session; raises what Stripe raises for amounts, times and texts it does not take."""
    _require_supported(params)
    currency, total = _total(params["line_items"])
    currencies.require_chargeable(total, currency, world.rates, session=True)
    expires_at = _expiry(world, params)
    session = _build(world, params, currency, total, expires_at)
    world.store.save(session)
    lines = [_line_item(world, line) for line in params["line_items"]]
    world.store.put("line_items", session["id"], {"items": lines})
    world.store.put("private", session["id"], {"intent": params.get("payment_intent_data", {})})
    world.store.put("open", session["id"], {"expires_at": expires_at})
    return session


def _require_supported(params: Object) -> None:
    if "line_items" not in params or not params["line_items"]:
        raise StripeFault("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if "success_url" not in params:
        raise StripeFault(
            "Missing required param: success_url.", code="parameter_missing", param="success_url"
        )
    if "statement_descriptor" in params.get("payment_intent_data", {}):
        raise StripeFault(
            "The `statement_descriptor` parameter is not supported for the card payment method type. "
            "Use `statement_descriptor_suffix` instead.",
            code="payment_intent_invalid_parameter",
            param="payment_intent_data[statement_descriptor]",
        )


def _total(lines: list[Object]) -> tuple[str, int]:
    wanted = {line["price_data"]["currency"].lower() for line in lines}
    if len(wanted) != 1:
        raise StripeFault(
            "All line items of a Checkout Session must have the same currency.", param="line_items"
        )
    total = 0
    for index, line in enumerate(lines):
        place = f"line_items[{index}]"
        if line["price_data"]["unit_amount"] < 0:
            raise StripeFault(
                "Invalid non-negative integer",
                code="parameter_invalid_integer",
                param=f"{place}[price_data][unit_amount]",
            )
        if line["quantity"] < 1:
            raise StripeFault(
                "Quantity must be greater than 0.",
                code="parameter_invalid_integer",
                param=f"{place}[quantity]",
            )
        total += line["price_data"]["unit_amount"] * line["quantity"]
    return wanted.pop(), total


def _expiry(world: World, params: Object) -> int:
    expires_at: int = params.get("expires_at", world.now + DAY)
    if expires_at < world.now + HALF_HOUR:
        raise StripeFault(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > world.now + DAY:
        raise StripeFault(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _build(world: World, params: Object, currency: str, total: int, expires_at: int) -> Object:
    session_id = new_id("cs_test_a1", 58)
    email = params.get("customer_email")
    session: Object = dict.fromkeys(_ABSENT) | {name: params.get(name) for name in _ECHOED}
    return session | {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", False)},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "branding_settings": dict(_BRANDING),
        "created": world.now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": _custom_text(params.get("custom_text", {})),
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_details": _customer(email, None) if email else None,
        "discounts": [],
        "expires_at": expires_at,
        "invoice_creation": {"enabled": False, "invoice_data": _invoice_data()},
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params.get("payment_method_types", ["card"]),
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{world.base_url}/c/pay/{session_id}",
        "wallet_options": None,
    }


def _custom_text(given: Object) -> Object:
    places = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {place: given.get(place) for place in places}


def _invoice_data() -> Object:
    absent = ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
    return dict.fromkeys(absent) | {"metadata": {}}


def _customer(email: str | None, name: str | None) -> Object:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def _line_item(world: World, line: Object) -> Object:
    data, quantity = line["price_data"], line["quantity"]
    currency = data["currency"].lower()
    product = _product(world, data["product_data"])
    price: Object = dict.fromkeys(
        ("custom_unit_amount", "lookup_key", "nickname", "recurring", "tiers_mode", "transform_quantity"),
    ) | {
        "id": new_id("price_1", 23),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": world.now,
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "product": product["id"],
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "type": "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }
    amount = data["unit_amount"] * quantity
    return {
        "id": new_id("li_1", 23),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": product["name"],
        "metadata": line.get("metadata", {}),
        "price": price,
        "quantity": quantity,
    }


def _product(world: World, given: Object) -> Object:
    absent = ("default_price", "package_dimensions", "shippable", "statement_descriptor", "unit_label", "url")
    product: Object = dict.fromkeys(absent) | {
        "id": new_id("prod_", 14),
        "object": "product",
        "active": False,
        "created": world.now,
        "description": given.get("description"),
        "images": given.get("images", []),
        "livemode": False,
        "marketing_features": [],
        "metadata": given.get("metadata", {}),
        "name": given["name"],
        "tax_code": given.get("tax_code"),
        "updated": world.now,
    }
    return world.store.save(product)


def expire(world: World, session: Object) -> Object:
    """Expire an open session and cancel its intent; raises for any other."""
    if session["status"] != "open":
        raise StripeFault(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of {session['status']}.",
        )
    world.store.drop("open", session["id"])
    session |= {"status": "expired", "url": None}
    world.store.save(session)
    if session["payment_intent"]:
        intent = world.store.get("payment_intent", session["payment_intent"])
        if intent["status"] != "canceled":
            intents.cancel(world, intent, "expired")
    world.emit("checkout.session.expired", session)
    return session


def expire_due(world: World) -> None:
    """Expire the sessions whose time has come."""
    for session_id, due in list(world.store.all("open").items()):
        if due["expires_at"] <= world.now:
            expire(world, world.store.get("checkout.session", session_id))


def pay(world: World, session: Object, card: Card, payer: Object) -> str:
    """Attempt to pay an open session; the intent's status afterwards says how it went."""
    intent_id = session["payment_intent"]
    intent = world.store.get("payment_intent", intent_id) if intent_id else _intent(world, session)
    status = intents.attempt(world, intent, card, payer, return_url=None)
    private = world.store.get("private", session["id"])
    world.store.put("private", session["id"], private | {"payer": payer})
    return _after(world, session, status)


def authenticate(world: World, session: Object, *, passed: bool) -> str:
    """Finish the 3-D Secure step of an open session."""
    intent = world.store.get("payment_intent", session["payment_intent"])
    return _after(world, session, intents.authenticate(world, intent, passed=passed))


def _intent(world: World, session: Object) -> Object:
    """Checkout makes the PaymentIntent at the first attempt, not with the session."""
    data = world.store.get("private", session["id"])["intent"]
    params = data | {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "payment_method_types": session["payment_method_types"],
    }
    intent = intents.create(world, params, session_id=session["id"])
    session["payment_intent"] = intent["id"]
    world.store.save(session)
    return intent


def _after(world: World, session: Object, status: str) -> str:
    if status == "succeeded" and session["status"] == "open":
        payer = world.store.get("private", session["id"])["payer"]
        world.store.drop("open", session["id"])
        session |= {
            "customer_details": _customer(payer.get("email"), payer.get("name")),
            "payment_status": "paid",
            "status": "complete",
            "url": None,
        }
        world.store.save(session)
        world.emit("checkout.session.completed", session)
    return status
