"""How objects are shown: expanded, listed, paged."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from devtools.stripe_sim.errors import StripeFault, missing
from devtools.stripe_sim.kinds import Object, listing
from devtools.stripe_sim.world import World

MAX_DEPTH = 4
EXPANDABLE: dict[str, frozenset[str]] = {
    "balance_transaction": frozenset({"source"}),
    "charge": frozenset(
        {
            "application", "application_fee", "balance_transaction", "customer",
            "failure_balance_transaction", "on_behalf_of", "payment_intent", "refunds", "review",
            "source_transfer", "transfer",
        },
    ),
    "checkout.session": frozenset(
        {
            "customer", "invoice", "line_items", "payment_intent", "payment_link", "setup_intent",
            "subscription",
        },
    ),
    "payment_intent": frozenset(
        {"application", "customer", "latest_charge", "on_behalf_of", "payment_method", "review"},
    ),
    "payment_method": frozenset({"customer"}),
    "price": frozenset({"product"}),
    "product": frozenset({"default_price", "tax_code"}),
    "refund": frozenset(
        {
            "balance_transaction", "charge", "failure_balance_transaction", "payment_intent",
            "source_transfer_reversal", "transfer_reversal",
        },
    ),
}  # fmt: skip


def show(world: World, body: Object, expand: list[str]) -> Object:
    """Copy an object with the named properties expanded.

    Raises:
        StripeFault: a path that is too deep or leads through something that cannot be expanded.
    """
    shown = copy.deepcopy(body)
    for path in expand:
        parts = path.split(".")
        deepest = MAX_DEPTH + 1 if parts[0] == "data" else MAX_DEPTH
        if len(parts) > deepest:
            raise StripeFault(
                "You cannot expand more than 4 levels of a property. "
                f"Property: {path} has {len(parts)} levels.",
                param="expand",
            )
        _expand(world, shown, parts, path)
    return shown


def _expand(world: World, node: Object, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    kind = node.get("object", "")
    if name in EXPANDABLE.get(kind, frozenset()):
        node[name] = _fetch(world, node, name)
    elif not rest or not isinstance(node.get(name), dict | list):
        raise StripeFault(f"This property cannot be expanded ({path}).", param="expand")
    below: Any = node[name]  # an object, a list of them, or nothing at all
    for item in below if isinstance(below, list) else [below]:
        if rest and isinstance(item, dict):
            _expand(world, item, rest, path)


def _fetch(world: World, node: Object, name: str) -> Any:
    """What stands behind an id; None stays None, an expanded object stays as it is."""
    if name == "line_items":
        return line_items(world, node)
    if name == "refunds":
        ours = [item for item in world.store.all("refund").values() if item["charge"] == node["id"]]
        return listing(
            f"/v1/charges/{node['id']}/refunds", copy.deepcopy(ours[::-1][:10]), has_more=ours[10:] != []
        )
    value = node.get(name)
    if not isinstance(value, str):
        return value
    found = world.store.by_id(value)
    return copy.deepcopy(found) if found else value


def line_items(world: World, session: Object) -> Object:
    """The line items of a session as a list."""
    items = world.store.get("line_items", session["id"])["items"]
    return listing(f"/v1/checkout/sessions/{session['id']}/line_items", copy.deepcopy(items))


def page(world: World, kind: str, url: str, params: Object, keep: Callable[[Object], bool]) -> Object:
    """One page of objects, newest first.

    Args:
        world: The account.
        kind: Which objects.
        url: The list's own address.
        params: `limit`, `starting_after`, `ending_before`, `created`, `expand`.
        keep: The operation's own filter.

    Raises:
        StripeFault: a limit outside 1 to 100, two cursors, or a cursor that names nothing.
    """
    span = params.get("created", {})
    rows = [
        body
        for body in reversed(world.store.all(kind).values())
        if keep(body) and _within(body["created"], span)
    ]
    return _cut(world, kind, url, rows, params)


def _limit(params: Object) -> int:
    limit: int = params.get("limit", 10)
    if not 1 <= limit <= 100:  # noqa: PLR2004 - Stripe's documented bounds
        word = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        raise StripeFault(f"This value must be {word}.", code="parameter_invalid_integer", param="limit")
    if "starting_after" in params and "ending_before" in params:
        raise StripeFault(
            "You can only use one of `starting_after` and `ending_before`.", param="ending_before"
        )
    return limit


def _cut(world: World, kind: str, url: str, rows: list[Object], params: Object) -> Object:
    limit = _limit(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    cursor, name = (after, "starting_after") if after else (before, "ending_before")
    if cursor:
        if world.store.find(kind, cursor) is None:
            raise missing(kind, cursor, name)
        order = {key: place for place, key in enumerate(world.store.all(kind))}
        mark = order[cursor]
        older = after is not None
        rows = [row for row in rows if (order[row["id"]] < mark if older else order[row["id"]] > mark)]
    more = len(rows) > limit
    rows = rows[-limit:] if before else rows[:limit]
    return show(world, listing(url, rows, has_more=more), params.get("expand", []))


def _within(created: int, span: Object) -> bool:
    return bool(
        created > span.get("gt", created - 1)
        and created >= span.get("gte", created)
        and created < span.get("lt", created + 1)
        and created <= span.get("lte", created)
    )
