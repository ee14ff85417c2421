from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import stripe
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from devtools.stripe_sim.contract import Contract
from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.kinds import API_VERSION, Object
from devtools.stripe_sim.operations import OPERATIONS
from devtools.stripe_sim.params import Boolean, Choice, Group, Integer, Kind, Metadata, Several
from devtools.stripe_sim.server import Running
from devtools.stripe_sim.views import EXPANDABLE
from tests.devtools.stripe_sim.conftest import KEY
from tests.devtools.stripe_sim.giving import CARDS, open_session, params


@pytest.fixture
def contract(sim: Running) -> Contract:
    assert sim.simulator.contract is not None
    return sim.simulator.contract


def alternatives(schema: Object) -> list[Object]:
    return list(schema.get("anyOf", [schema]))


def differences(kind: Kind, schema: Object, place: str) -> list[str]:
    """Where the simulator takes what Stripe does not."""
    kinds = {each.get("type") for each in alternatives(schema)}
    if isinstance(kind, Group):
        fitting = next((each for each in alternatives(schema) if each.get("type") == "object"), None)
        if fitting is None:
            return [f"{place}: no object"]
        known = fitting.get("properties", {})
        found = [f"{place}.{name}: unknown to Stripe" for name in kind.members if name not in known]
        found += [f"{place}.{name}: required" for name in set(fitting.get("required", [])) - kind.required]
        for name, member in kind.members.items():
            found += differences(member, known.get(name, {}), f"{place}.{name}")
        return found
    if isinstance(kind, Several):
        return differences(kind.item, schema.get("items", {}), f"{place}[]")
    if isinstance(kind, Choice):
        words = [word for each in alternatives(schema) for word in each.get("enum", [])]
        return [f"{place}: {word}" for word in kind.words if words and word not in words]
    expected = {Integer: "integer", Boolean: "boolean", Metadata: "object"}.get(type(kind))
    return [] if expected is None or expected in kinds else [f"{place}: {kinds}"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_parameter_is_taken_that_stripe_does_not_know(contract: Contract, operation: Any) -> None:
    schema = contract.parameters(operation.method, operation.path)
    assert differences(operation.allowed, schema, operation.name) == []


def test_the_version_is_the_one_that_the_description_describes(contract: Contract) -> None:
    assert contract.version == API_VERSION


@pytest.mark.parametrize("kind", EXPANDABLE)
def test_expandable_is_what_stripe_calls_so(contract: Contract, kind: str) -> None:
    from devtools.stripe_sim.openapi import load_document  # noqa: PLC0415 - loaded by the fixture already

    document = load_document()
    assert document is not None
    schema = document["components"]["schemas"][kind]
    assert set(schema["x-expandableFields"]) >= EXPANDABLE[kind]
    ids = {name for name, each in schema["properties"].items() if "x-expansionResources" in each}
    assert EXPANDABLE[kind] >= ids - {"default_price", "tax_code"}


def use_checkout(v1: stripe.V1Services, control: httpx.Client) -> stripe.PaymentIntent:
    session, other = v1.checkout.sessions.create(params()), v1.checkout.sessions.create(params(5000, "jpy"))
    control.post("pay", json={"session": session.id, "card": "4000002760003184"})
    v1.checkout.sessions.update(session.id, {"metadata": {"a": "b"}})
    v1.checkout.sessions.list({"expand": ["data.payment_intent.latest_charge"]})
    v1.checkout.sessions.line_items.list(session.id)
    v1.checkout.sessions.expire(other.id)
    expand = ["payment_intent.payment_method"]
    paid = v1.checkout.sessions.retrieve(session.id, {"expand": expand}).payment_intent
    assert isinstance(paid, stripe.PaymentIntent)
    assert isinstance(paid.payment_method, stripe.PaymentMethod)
    v1.payment_methods.retrieve(paid.payment_method.id)
    return paid


def use_intents(v1: stripe.V1Services, paid: stripe.PaymentIntent) -> None:
    v1.payment_intents.list()
    v1.payment_intents.retrieve(paid.id)
    v1.payment_intents.update(paid.id, {"metadata": {"a": "b"}})
    wanted: PaymentIntentCreateParams = {"amount": 500, "currency": "gbp", "automatic_payment_methods": CARDS}
    v1.payment_intents.cancel(v1.payment_intents.create(wanted).id)
    how: PaymentIntentConfirmParams = {"payment_method": "pm_card_visa", "receipt_email": "pat@example.org"}
    v1.payment_intents.confirm(v1.payment_intents.create(wanted).id, how)


def use_money(v1: stripe.V1Services, control: httpx.Client, paid: stripe.PaymentIntent) -> None:
    assert isinstance(paid.latest_charge, str)
    refund = v1.refunds.create({"charge": paid.latest_charge, "amount": 100})
    v1.refunds.retrieve(refund.id, {"expand": ["charge.payment_intent", "balance_transaction.source"]})
    v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    v1.refunds.list({"payment_intent": paid.id, "created": {"gt": 1}})
    v1.charges.list({"created": {"gt": 1}, "expand": ["data.balance_transaction", "data.refunds"]})
    v1.charges.retrieve(paid.latest_charge)
    v1.charges.update(paid.latest_charge, {"metadata": {"a": "b"}})
    old = {"Authorization": f"Bearer {KEY}"}  # the SDK no longer has this way to a charge's refunds
    assert control.get(f"../v1/charges/{paid.latest_charge}/refunds", headers=old).status_code == 200
    transaction = v1.balance_transactions.list({"type": "charge"}).data[0]
    v1.balance_transactions.retrieve(transaction.id, {"expand": ["source"]})
    v1.balance.retrieve()


def test_every_operation_is_held_against_the_description(
    client: stripe.StripeClient, control: httpx.Client, contract: Contract
) -> None:
    """Each operation once, so that nothing is served unchecked."""
    contract.checked.clear()
    paid = use_checkout(client.v1, control)
    use_intents(client.v1, paid)
    use_money(client.v1, control, paid)
    event = client.v1.events.list({"types": ["payment_intent.succeeded"], "delivery_success": True}).data[0]
    client.v1.events.retrieve(event.id)
    for operation in OPERATIONS:
        assert contract.checked[f"request {operation.name}"] > 0, operation.name
        assert contract.checked[f"response {operation.name}"] > 0, operation.name
    assert control.get("contract").json()["violations"] == []


def test_the_contract_can_be_broken(client: stripe.StripeClient, sim: Running, contract: Contract) -> None:
    """The net has no holes: what is missing, wrong or invented is caught."""
    session = open_session(client)
    body = sim.simulator.store.get("checkout.session", session.id)
    path = "/v1/checkout/sessions/{session}"
    for change in ({"amount_total": "25"}, {"status": "paid"}, {"colour": "red"}, {"submit_type": 1}):
        with pytest.raises(StripeFault, match="Contract violated"):
            contract.check_response("GET", path, {**body, **change})
    for member in ("url", "created", "customer_details"):
        with pytest.raises(StripeFault, match=member):
            contract.check_response("GET", path, {k: v for k, v in body.items() if k != member})
    create = ("POST", "/v1/checkout/sessions")
    for raw in (
        {"colour": "red"},
        {"line_items": {"0": {"quantity": "one"}}},
        {"line_items": {"0": {"price_data": {"currency": "gbp", "colour": "red"}}}},
        {"locale": "uk"},
        {"metadata": {"a": {"b": "c"}}},
    ):
        with pytest.raises(StripeFault, match="Contract violated"):
            contract.check_request(*create, raw)
    assert len(contract.violations) == 12
    contract.violations.clear()
    session_expired = client.v1.checkout.sessions.expire(session.id)
    assert session_expired.status == "expired"
    event = sim.simulator.store.all("event").popitem()[1]
    contract.check_event({**event, "type": "checkout.session.forgotten"})
    assert len(contract.violations) == 1
    contract.violations.clear()


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the SDK's own call of httpx
async def test_the_async_sdk_works_too(sim: Running, control: httpx.Client) -> None:
    http = stripe.HTTPXClient()
    client = stripe.StripeClient(
        KEY, base_addresses={"api": sim.url}, stripe_version=API_VERSION, http_client=http
    )
    sessions = await asyncio.gather(
        *(client.v1.checkout.sessions.create_async(params(1000 + n)) for n in range(20))
    )
    assert len({session.id for session in sessions}) == 20
    await asyncio.to_thread(control.post, "pay", json={"session": sessions[0].id})
    paid = await client.v1.checkout.sessions.retrieve_async(sessions[0].id)
    assert paid.payment_status == "paid"
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.checkout.sessions.create_async(params(1))
    await http.close_async()  # type: ignore[no-untyped-call]
