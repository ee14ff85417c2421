from __future__ import annotations

import threading
import time

import httpx
import pytest
import stripe

from tests.devtools.stripe_sim.conftest import KEY
from tests.devtools.stripe_sim.giving import open_session


def post(browser: httpx.Client, path: str, key: str, **data: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key}
    return browser.post(path, data=data, headers=headers)


def test_a_key_gives_the_same_answer_again(browser: httpx.Client, client: stripe.StripeClient) -> None:
    first = post(browser, "/v1/payment_intents", "k", amount="500", currency="gbp")
    second = post(browser, "/v1/payment_intents", "k", currency="gbp", amount="500")
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]
    assert second.headers["request-id"] != first.headers["request-id"]
    assert len(client.v1.payment_intents.list().data) == 1


def test_a_replay_is_what_was_not_what_is(client: stripe.StripeClient, control: httpx.Client) -> None:
    session = open_session(client, key="donation:1:create:1")
    control.post("pay", json={"session": session.id})
    again = open_session(client, key="donation:1:create:1")
    assert (again.id, again.status) == (session.id, "open")


def test_a_key_refuses_other_parameters(client: stripe.StripeClient) -> None:
    open_session(client, 2500, key="k")
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        open_session(client, 2600, key="k")


def test_a_key_refuses_another_endpoint(client: stripe.StripeClient) -> None:
    open_session(client, key="k")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.create({"amount": 500, "currency": "gbp"}, {"idempotency_key": "k"})


def test_a_key_is_forgotten_after_a_day(client: stripe.StripeClient, control: httpx.Client) -> None:
    session = open_session(client, key="k")
    control.post("clock", json={"advance": 86_401})
    assert open_session(client, key="k").id != session.id


def test_a_decline_is_kept_but_a_mistake_is_not(browser: httpx.Client) -> None:
    wanted = {"amount": "500", "currency": "gbp", "confirm": "true", "payment_method_types[0]": "card"}
    declined = {**wanted, "payment_method": "pm_card_chargeDeclined"}
    assert post(browser, "/v1/payment_intents", "k1", **declined).status_code == 402
    replayed = post(browser, "/v1/payment_intents", "k1", **declined)
    assert (replayed.status_code, replayed.headers["idempotent-replayed"]) == (402, "true")
    assert post(browser, "/v1/payment_intents", "k2", colour="red").status_code == 400
    right = {**wanted, "payment_method": "pm_card_visa"}
    assert post(browser, "/v1/payment_intents", "k2", **right).status_code == 200


def test_a_key_under_way_conflicts(browser: httpx.Client, control: httpx.Client) -> None:
    delay = {"operation": "POST /v1/payment_intents", "kind": "delay", "seconds": 0.5}
    control.post("faults", json=delay)
    answers: list[int] = []

    def first() -> None:
        answers.append(post(browser, "/v1/payment_intents", "k", amount="500", currency="gbp").status_code)

    thread = threading.Thread(target=first)
    thread.start()
    time.sleep(0.15)
    second = post(browser, "/v1/payment_intents", "k", amount="500", currency="gbp")
    thread.join()
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers == [200]


def test_a_key_has_a_length(browser: httpx.Client) -> None:
    answer = post(browser, "/v1/payment_intents", "k" * 256, amount="500", currency="gbp")
    assert answer.json()["error"]["type"] == "idempotency_error"


def test_keys_mean_nothing_to_reads(browser: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"}
    assert browser.get("/v1/refunds", headers=headers).status_code == 200
    assert browser.get("/v1/charges", headers=headers).status_code == 200
