from __future__ import annotations

import time

import httpx
import pytest
import stripe

from tests.devtools.stripe_sim.giving import open_session

CREATE = "POST /v1/checkout/sessions"


def break_(control: httpx.Client, kind: str, operation: str = CREATE, **more: float) -> None:
    control.post("faults", json={"operation": operation, "kind": kind, **more}).raise_for_status()


def sessions(control: httpx.Client) -> int:
    return len(control.get("state").json()["objects"].get("checkout.session", []))


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("reset_before", stripe.APIConnectionError, 0),
        ("reset_after", stripe.APIConnectionError, 1),
        ("error_500", stripe.APIError, 0),
        ("error_500_after", stripe.APIError, 1),
        ("rate_limit_429", stripe.RateLimitError, 0),
    ],
)
def test_a_failure_is_seen_and_its_effect_is_as_named(
    client: stripe.StripeClient,
    control: httpx.Client,
    kind: str,
    error: type[stripe.StripeError],
    done: int,
) -> None:
    break_(control, kind)
    with pytest.raises(error):
        open_session(client, key="k")
    assert sessions(control) == done


@pytest.mark.parametrize(("kind", "done"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_timeout_may_or_may_not_have_worked(
    client: stripe.StripeClient, hasty: stripe.StripeClient, control: httpx.Client, kind: str, done: int
) -> None:
    break_(control, kind, seconds=5)
    started = time.monotonic()
    with pytest.raises(stripe.APIConnectionError):
        open_session(hasty, key="k")
    assert 0.4 <= time.monotonic() - started < 4  # the client's own patience
    assert sessions(control) == done
    open_session(client, key="k")
    assert sessions(control) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "error_500"])
def test_the_sdk_tries_again_with_its_key_and_nothing_is_done_twice(
    patient: stripe.StripeClient, control: httpx.Client, kind: str
) -> None:
    break_(control, kind)
    assert open_session(patient).status == "open"
    assert sessions(control) == 1


def test_an_error_after_the_work_is_what_the_key_keeps_giving(
    patient: stripe.StripeClient, control: httpx.Client
) -> None:
    break_(control, "error_500_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            open_session(patient, key="k")
    calls = control.get("state").json()["calls"]
    assert [call["replayed"] for call in calls] == [False, True]
    assert sessions(control) == 1


def test_a_failure_hits_only_what_it_names_and_as_often(
    client: stripe.StripeClient, control: httpx.Client
) -> None:
    break_(control, "error_500", "GET /v1/checkout/sessions/{session}", times=2)
    session = open_session(client)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.checkout.sessions.retrieve(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id
    break_(control, "rate_limit_429", f"GET /v1/checkout/sessions/{session.id}")
    with pytest.raises(stripe.RateLimitError):
        client.v1.checkout.sessions.retrieve(session.id)
    break_(control, "error_500", "*", times=9)
    assert control.post("faults", json={"clear": True}).json() == {"pending": []}
    client.v1.checkout.sessions.list()
