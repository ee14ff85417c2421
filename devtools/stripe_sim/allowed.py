"""The parameters each operation takes: the part of Stripe's that the simulator understands.

A test holds them against Stripe's OpenAPI description: nothing here that Stripe does not know.
"""

from __future__ import annotations

from devtools.stripe_sim.params import (
    Boolean,
    Choice,
    Email,
    Group,
    Integer,
    Kind,
    Metadata,
    Moment,
    Several,
    Text,
    Url,
)

_EXPAND: dict[str, Kind] = {"expand": Several(Text())}
_PAGING: dict[str, Kind] = {
    **_EXPAND,
    "ending_before": Text(),
    "limit": Integer(),
    "starting_after": Text(),
}
_CREATED: dict[str, Kind] = {"created": Moment()}
_CARD_TYPES = Several(Choice(("card", "link")))
_LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr",
    "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR",
    "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
)  # fmt: skip

RETRIEVE = Group(_EXPAND)
INTENT_RETRIEVE = Group({**_EXPAND, "client_secret": Text()})
METADATA_UPDATE = Group({**_EXPAND, "metadata": Metadata()})

_PRODUCT_DATA = Group(
    {
        "description": Text(40_000),
        "images": Several(Url()),
        "metadata": Metadata(),
        "name": Text(),
        "tax_code": Text(),
    },
    frozenset({"name"}),
)
_PRICE_DATA = Group(
    {
        "currency": Text(3),
        "product_data": _PRODUCT_DATA,
        "tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
        "unit_amount": Integer(),
    },
    frozenset({"currency", "product_data", "unit_amount"}),
)
_LINE = Group(
    {"metadata": Metadata(), "price_data": _PRICE_DATA, "quantity": Integer()},
    frozenset({"price_data", "quantity"}),
)
_MESSAGE = Group({"message": Text(1200)}, frozenset({"message"}))
_INTENT_DATA = Group(
    {
        "capture_method": Choice(("automatic", "automatic_async")),
        "description": Text(1000),
        "metadata": Metadata(),
        "receipt_email": Email(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
    },
)
SESSION_CREATE = Group(
    {
        **_EXPAND,
        "adaptive_pricing": Group({"enabled": Boolean()}),
        "allow_promotion_codes": Boolean(),
        "billing_address_collection": Choice(("auto", "required")),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "custom_text": Group(
            {
                "after_submit": _MESSAGE,
                "shipping_address": _MESSAGE,
                "submit": _MESSAGE,
                "terms_of_service_acceptance": _MESSAGE,
            },
        ),
        "customer_creation": Choice(("always", "if_required")),
        "customer_email": Email(),
        "expires_at": Integer(),
        "line_items": Several(_LINE),
        "locale": Choice(_LOCALES),
        "metadata": Metadata(),
        "mode": Choice(("payment",)),
        "origin_context": Choice(("mobile_app", "web")),
        "payment_intent_data": _INTENT_DATA,
        "payment_method_types": _CARD_TYPES,
        "submit_type": Choice(("auto", "book", "donate", "pay")),
        "success_url": Url(),
        "ui_mode": Choice(("hosted_page",)),
    },
    frozenset({"mode"}),
)
SESSION_LIST = Group(
    {
        **_PAGING,
        **_CREATED,
        "customer_details": Group({"email": Email()}, frozenset({"email"})),
        "payment_intent": Text(),
        "status": Choice(("complete", "expired", "open")),
    },
)
LINE_ITEMS = Group(_PAGING)

_CONFIRM: dict[str, Kind] = {
    **_EXPAND,
    "payment_method": Text(),
    "payment_method_types": _CARD_TYPES,
    "receipt_email": Email(),
    "return_url": Url(),
}
INTENT_CREATE = Group(
    {
        **_CONFIRM,
        "amount": Integer(),
        "automatic_payment_methods": Group(
            {"allow_redirects": Choice(("always", "never")), "enabled": Boolean()},
            frozenset({"enabled"}),
        ),
        "capture_method": Choice(("automatic", "automatic_async")),
        "confirm": Boolean(),
        "currency": Text(3),
        "description": Text(1000),
        "metadata": Metadata(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
    },
    frozenset({"amount", "currency"}),
)
INTENT_CONFIRM = Group(_CONFIRM)
INTENT_CANCEL = Group(
    {
        **_EXPAND,
        "cancellation_reason": Choice(("abandoned", "duplicate", "fraudulent", "requested_by_customer")),
    },
)
INTENT_LIST = Group({**_PAGING, **_CREATED})

CHARGE_LIST = Group({**_PAGING, **_CREATED, "payment_intent": Text()})
REFUND_CREATE = Group(
    {
        **_EXPAND,
        "amount": Integer(),
        "charge": Text(),
        "metadata": Metadata(),
        "payment_intent": Text(),
        "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
    },
)
REFUND_LIST = Group({**_PAGING, **_CREATED, "charge": Text(), "payment_intent": Text()})
TRANSACTION_LIST = Group(
    {**_PAGING, **_CREATED, "currency": Text(3), "source": Text(), "type": Text()},
)
EVENT_LIST = Group(
    {
        **_PAGING,
        **_CREATED,
        "delivery_success": Boolean(),
        "type": Text(),
        "types": Several(Text()),
    },
)
