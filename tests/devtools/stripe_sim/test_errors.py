from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe
from stripe.params.checkout import SessionCreateParams

from devtools.stripe_sim.kinds import API_VERSION
from devtools.stripe_sim.server import Running
from tests.devtools.stripe_sim.conftest import KEY
from tests.devtools.stripe_sim.giving import open_session, params

SESSIONS = "/v1/checkout/sessions"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "You did not provide an API key"),
        ({"Authorization": "Bearer sk_live_51abcdefgh"}, "Invalid API Key provided: sk_live_"),
        ({"Authorization": "Bearer rk_live_51abcdefgh"}, "Invalid API Key"),
        ({"Authorization": "Bearer pk_test_51abcdefgh"}, "publishable"),
        ({"Authorization": "Basic !!!"}, "You did not provide an API key"),
    ],
)
def test_only_test_keys_are_let_in(browser: httpx.Client, headers: dict[str, str], message: str) -> None:
    answer = browser.get(SESSIONS, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]
    assert "abcdefgh" not in answer.text
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("key", [KEY, "rk_test_51HavenSimulator"])
def test_test_keys_work_as_bearer_and_as_user_name(browser: httpx.Client, key: str) -> None:
    assert browser.get(SESSIONS, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert browser.get(SESSIONS, auth=(key, "")).status_code == 200


def test_the_sdk_sees_an_authentication_error(sim: Running) -> None:
    http = stripe.RequestsClient()
    client = stripe.StripeClient(
        "sk_live_51x", base_addresses={"api": sim.url}, stripe_version=API_VERSION, http_client=http
    )
    with pytest.raises(stripe.AuthenticationError):
        open_session(client)
    http.close()  # type: ignore[no-untyped-call]


def test_the_version_is_echoed_and_an_unknown_one_refused(browser: httpx.Client) -> None:
    browser.headers["Authorization"] = f"Bearer {KEY}"
    assert browser.get(SESSIONS).headers["stripe-version"] == API_VERSION
    named = browser.get(SESSIONS, headers={"Stripe-Version": API_VERSION})
    assert named.headers["stripe-version"] == API_VERSION
    refused = browser.get(SESSIONS, headers={"Stripe-Version": "2026-10-28.endive"})
    assert refused.status_code == 400
    assert "Invalid Stripe API version" in refused.json()["error"]["message"]


def test_an_unknown_address_and_method(browser: httpx.Client) -> None:
    browser.headers["Authorization"] = f"Bearer {KEY}"
    for answer in (browser.get("/v1/nothing"), browser.delete(SESSIONS), browser.put("/v1/refunds")):
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"mode=payment&colour=red", "parameter_unknown", "colour"),
        (
            b"mode=payment&line_items[0][quantity]=1&line_items[0][price_data]=gbp",
            None,
            "line_items[0][price_data]",
        ),
        (b"mode=subscription", None, "mode"),
        (b"", "parameter_missing", "mode"),
        (b"mode=payment", "parameter_missing", "line_items"),
        (
            b"mode=payment&line_items[0][price_data][kurrency]=gbp&line_items[0][quantity]=1",
            "parameter_unknown",
            "line_items[0][price_data][kurrency]",
        ),
        (b"mode=payment&line_items[0][quantity]=1", "parameter_missing", "line_items[0][price_data]"),
        (b"mode=payment&expires_at=soon", "parameter_invalid_integer", "expires_at"),
        (b"mode=payment&success_url=", "parameter_invalid_empty", "success_url"),
        (b"mode=payment&success_url=javascript:alert(1)", "url_invalid", "success_url"),
        (b"mode=payment&customer_email=nobody", "email_invalid", "customer_email"),
        (b"mode=payment&locale=uk", None, "locale"),
        (b"mode=payment&metadata=x", None, "metadata"),
        (b"mode=payment&metadata[a]=" + b"x" * 501, None, "metadata[a]"),
        (b"mode=payment&line_items=x", None, "line_items"),
        (b"mode[a]=1", None, "mode"),
        (b"a=1&a[b]=2", None, "a[b]"),
        (b"a[b]=2&a=1", None, "a"),
        (b"a%00=1", None, None),
        (b"a=%ff", None, None),
        (b"[a]=1", "parameter_unknown", "[a]"),
        (b"a" + b"[b]" * 50 + b"=1", "parameter_unknown", "a"),
    ],
)
def test_wrong_parameters_are_refused_in_stripes_words(
    browser: httpx.Client, body: bytes, code: str | None, param: str | None
) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.post(SESSIONS, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error.get("code") == code
    if param:
        assert error["param"] == param


def test_json_is_no_form(browser: httpx.Client) -> None:
    answer = browser.post(SESSIONS, json={"mode": "payment"}, headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("amount", "currency", "code", "message"),
    [
        (29, "gbp", "amount_too_small", "at least £0.30 gbp"),
        (49, "eur", "amount_too_small", "at least €0.50 eur"),
        (49, "usd", "amount_too_small", "at least $0.50 usd"),
        (199, "pln", "amount_too_small", "at least zł2.00 pln"),
        (49, "jpy", "amount_too_small", "at least ¥50 jpy"),
        (500, "uah", "amount_too_small", "converts to approximately £0.09"),
        (100_000_000, "gbp", "amount_too_large", "no more than £999,999.99"),
        (2500, "xyz", None, "Invalid currency: xyz"),
        (-1, "gbp", "parameter_invalid_integer", "Invalid non-negative integer"),
    ],
)
def test_amounts_outside_the_limits(
    client: stripe.StripeClient, amount: int, currency: str, code: str | None, message: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=re.escape(message)) as caught:
        open_session(client, amount, currency)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(30, "gbp"), (50, "eur"), (50, "usd"), (200, "pln"), (50, "jpy"), (1700, "uah"), (99_999_999, "gbp")],
)
def test_amounts_at_the_limits(client: stripe.StripeClient, amount: int, currency: str) -> None:
    assert open_session(client, amount, currency).amount_total == amount


def _soon(wanted: SessionCreateParams) -> None:
    wanted["expires_at"] = int(time.time()) + 1700


def _late(wanted: SessionCreateParams) -> None:
    wanted["expires_at"] = int(time.time()) + 86_500


def _descriptor(wanted: SessionCreateParams) -> None:
    wanted["payment_intent_data"] = {"statement_descriptor": "HAVEN"}


def _two_currencies(wanted: SessionCreateParams) -> None:
    wanted["line_items"] = [*params()["line_items"], *params(currency="eur")["line_items"]]


def _nothing_of_it(wanted: SessionCreateParams) -> None:
    wanted["line_items"][0]["quantity"] = 0


def _too_much_metadata(wanted: SessionCreateParams) -> None:
    wanted["metadata"] = {f"key{n}": "x" for n in range(51)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_soon, "at least 30 minutes"),
        (_late, "less than 24 hours"),
        (_descriptor, "statement_descriptor_suffix"),
        (_two_currencies, "same currency"),
        (_nothing_of_it, "Quantity must be greater than 0"),
        (_too_much_metadata, "up to 50 keys"),
    ],
)
def test_sessions_that_stripe_would_not_open(
    client: stripe.StripeClient, change: Callable[[SessionCreateParams], None], message: str
) -> None:
    wanted = params()
    change(wanted)
    with pytest.raises(stripe.InvalidRequestError, match=message):
        client.v1.checkout.sessions.create(wanted)


def test_what_does_not_exist(client: stripe.StripeClient) -> None:
    asks: list[Callable[[], Any]] = [
        lambda: client.v1.checkout.sessions.retrieve("cs_test_x"),
        lambda: client.v1.payment_intents.retrieve("pi_x"),
        lambda: client.v1.charges.retrieve("ch_x"),
        lambda: client.v1.refunds.retrieve("re_x"),
        lambda: client.v1.balance_transactions.retrieve("txn_x"),
        lambda: client.v1.events.retrieve("evt_x"),
        lambda: client.v1.refunds.create({"charge": "ch_x"}),
        lambda: client.v1.charges.list({"starting_after": "ch_x"}),
    ]
    for ask in asks:
        with pytest.raises(stripe.InvalidRequestError, match="No such") as caught:
            ask()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("object", "cannot be expanded"),
        ("payment_intent.nothing", "cannot be expanded"),
        ("payment_intent.latest_charge.balance_transaction.source.payment_intent", "more than 4 levels"),
    ],
)
def test_what_cannot_be_expanded(
    client: stripe.StripeClient, control: httpx.Client, path: str, message: str
) -> None:
    session = open_session(client)
    control.post("pay", json={"session": session.id})
    with pytest.raises(stripe.InvalidRequestError, match=message):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]})


def test_expansion_stops_where_nothing_is(client: stripe.StripeClient) -> None:
    session = open_session(client)
    path = "payment_intent.latest_charge"
    assert client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]}).payment_intent is None
    listed = client.v1.checkout.sessions.list({"expand": ["data.line_items.data.price.product"]}).data[0]
    assert listed.line_items is not None
    price = listed.line_items.data[0].price
    assert price is not None
    assert isinstance(price.product, stripe.Product)
    assert price.product.name == "Refugees Welcome"
