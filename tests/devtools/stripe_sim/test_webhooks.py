from __future__ import annotations

import time

import httpx
import stripe

from devtools.stripe_sim.kinds import API_VERSION
from tests.devtools.stripe_sim.giving import open_session
from tests.devtools.stripe_sim.receiver import Receiver


def pay(client: stripe.StripeClient, control: httpx.Client, card: str = "4242424242424242") -> str:
    session = open_session(client)
    control.post("pay", json={"session": session.id, "card": card}).raise_for_status()
    return session.id


def intent_created(client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create({"amount": 500, "currency": "gbp"})


def wait_until_delivered(client: stripe.StripeClient) -> None:
    """The simulator hears a moment after the endpoint has answered."""
    deadline = time.monotonic() + 10
    while client.v1.events.list({"delivery_success": False}).data:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_events_arrive_signed(client: stripe.StripeClient, control: httpx.Client, receiver: Receiver) -> None:
    session_id = pay(client, control)
    receiver.wait_for(
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "charge.updated",
    )
    completed = next(e for e in receiver.events if e.type == "checkout.session.completed")
    assert completed.data.object["id"] == session_id
    assert (completed.api_version, completed.livemode, completed.pending_webhooks) == (API_VERSION, False, 1)
    wait_until_delivered(client)
    assert client.v1.events.retrieve(completed.id).pending_webhooks == 0


def test_a_refused_event_comes_again(client: stripe.StripeClient, receiver: Receiver) -> None:
    receiver.answers = [500, 0, 301, 404]
    intent_created(client)
    receiver.wait_for("payment_intent.created")
    assert receiver.attempts == 5
    wait_until_delivered(client)


def test_an_event_waits_for_an_endpoint_that_is_down(
    client: stripe.StripeClient, control: httpx.Client, receiver: Receiver
) -> None:
    control.post("webhooks", json={"url": "http://127.0.0.1:9/"})
    intent_created(client)
    time.sleep(0.1)
    assert len(client.v1.events.list({"delivery_success": False}).data) == 1
    control.post("webhooks", json={"url": receiver.url})
    receiver.wait_for("payment_intent.created")


def test_held_events_wait(client: stripe.StripeClient, control: httpx.Client, receiver: Receiver) -> None:
    control.post("webhooks", json={"mode": "hold"})
    intent_created(client)
    time.sleep(0.1)
    assert receiver.attempts == 0
    assert control.get("state").json()["webhooks"]["waiting"] != []
    control.post("webhooks", json={"mode": "deliver"})
    receiver.wait_for("payment_intent.created")


def test_events_can_come_twice(
    client: stripe.StripeClient, control: httpx.Client, receiver: Receiver
) -> None:
    control.post("webhooks", json={"mode": "duplicate"})
    intent_created(client)
    receiver.wait_for_count(2)
    assert receiver.events[0].id == receiver.events[1].id


def test_events_can_come_backwards(
    client: stripe.StripeClient, control: httpx.Client, receiver: Receiver
) -> None:
    control.post("settings", json={"settle_seconds": 0})
    control.post("webhooks", json={"mode": "reverse"})
    pay(client, control)
    receiver.wait_for_count(4)
    assert receiver.types() == [
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_events_can_be_lost_and_sent_by_hand(
    client: stripe.StripeClient, control: httpx.Client, receiver: Receiver
) -> None:
    control.post("webhooks", json={"mode": "drop"})
    intent_created(client)
    event = client.v1.events.list({"delivery_success": False}).data[0]
    assert receiver.attempts == 0
    answer = control.post("webhooks/resend", json={"event_id": event.id, "times": 3}).json()
    assert answer == {"statuses": [200, 200, 200]}
    assert receiver.types() == ["payment_intent.created"] * 3


def test_wrong_control_requests_are_refused(control: httpx.Client) -> None:
    wrong: list[tuple[str, object]] = [
        ("webhooks", {"mode": "sideways"}),
        ("webhooks/resend", {}),
        ("faults", {"operation": "POST /v1/refunds", "kind": "fire"}),
        ("faults", {"operation": "somewhere", "kind": "error_500"}),
        ("pay", {"session": "cs_test_x", "card": "nonsense"}),
        ("pay", ["session"]),
        ("clock", {"advance": "soon"}),
    ]
    for path, body in wrong:
        assert control.post(path, json=body).status_code in {400, 404}, path
