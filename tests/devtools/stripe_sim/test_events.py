from __future__ import annotations

import time

import httpx
import pytest
import stripe

from devtools.stripe_sim.kinds import API_VERSION
from tests.devtools.stripe_sim.giving import open_session


def test_a_payment_tells_its_story(client: stripe.StripeClient, control: httpx.Client) -> None:
    control.post("settings", json={"settle_seconds": 0})
    session = open_session(client, key="give-1")
    control.post("pay", json={"session": session.id})
    events = client.v1.events.list().data
    assert [event.type for event in events] == [
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]
    completed = client.v1.events.retrieve(events[0].id)
    assert (completed.api_version, completed.livemode) == (API_VERSION, False)
    assert completed.data.object["client_reference_id"] == "donation-1"
    assert completed.data.object["payment_status"] == "paid"
    assert events[3].data.object["status"] == "requires_payment_method"  # as it was then


def test_events_name_the_request_that_caused_them(client: stripe.StripeClient) -> None:
    client.v1.payment_intents.create({"amount": 500, "currency": "gbp"}, {"idempotency_key": "intent-1"})
    request = client.v1.events.list().data[0].request
    assert request is not None
    assert request.idempotency_key == "intent-1"
    assert request.id is not None
    assert request.id.startswith("req_")


def test_events_are_filtered_by_type_and_time(client: stripe.StripeClient, control: httpx.Client) -> None:
    control.post("pay", json={"session": open_session(client).id})
    events = client.v1.events
    assert [e.type for e in events.list({"type": "checkout.*"}).data] == ["checkout.session.completed"]
    both = events.list({"types": ["charge.succeeded", "payment_intent.succeeded"]}).data
    assert {e.type for e in both} == {"charge.succeeded", "payment_intent.succeeded"}
    now = int(time.time())
    assert events.list({"created": {"gt": now + 5}}).data == []
    assert len(events.list({"created": {"gte": now - 60, "lt": now + 60}}).data) >= 4
    assert events.list({"created": 1}).data == []
    assert len(events.list({"delivery_success": True}).data) >= 4
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        events.list({"type": "a", "types": ["b"]})
    with pytest.raises(stripe.InvalidRequestError, match="at most 20"):
        events.list({"types": ["a"] * 21})


def test_events_come_in_pages_in_both_directions(client: stripe.StripeClient) -> None:
    for _ in range(7):
        client.v1.payment_intents.create({"amount": 500, "currency": "gbp"})
    events = client.v1.events
    everything = [event.id for event in events.list({"limit": 100}).data]
    assert len(everything) == 7
    first = events.list({"limit": 3})
    assert ([e.id for e in first.data], first.has_more) == (everything[:3], True)
    second = events.list({"limit": 3, "starting_after": everything[2]})
    assert ([e.id for e in second.data], second.has_more) == (everything[3:6], True)
    last = events.list({"limit": 3, "starting_after": everything[5]})
    assert ([e.id for e in last.data], last.has_more) == (everything[6:], False)
    back = events.list({"limit": 3, "ending_before": everything[5]})
    assert ([e.id for e in back.data], back.has_more) == (everything[2:5], True)
    assert [e.id for e in events.list({"limit": 2}).auto_paging_iter()] == everything


@pytest.mark.parametrize("limit", [0, 101])
def test_pages_have_bounds(client: stripe.StripeClient, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="This value must be"):
        client.v1.charges.list({"limit": limit})
