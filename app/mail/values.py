"""Values of a mail travel sealed as JSON; here they become what templates take."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import JsonValue

from app.core.money import Money


def revive(values: Mapping[str, JsonValue]) -> dict[str, object]:
    """Times (`…_at`, ISO 8601), money (`amount`, minor units) and beneficiaries as the templates want them.

    Raises:
        KeyError, ValueError: A value has not the form that its name promises.
    """
    revived: dict[str, object] = {}
    for name, value in values.items():
        if name.endswith("_at") and isinstance(value, str):
            revived[name] = datetime.fromisoformat(value)
        elif name == "amount" and isinstance(value, dict):
            amount = cast("dict[str, Any]", value)  # JSON; Money checks it
            revived[name] = Money(int(amount["amount_minor"]), str(amount["currency"]))
        elif name == "beneficiaries" and isinstance(value, list):
            charities = cast("list[dict[str, str]]", value)
            revived[name] = [(charity["name"], charity["charity_number"]) for charity in charities]
        else:
            revived[name] = value
    return revived
