"""Giving as another program does it, over HTTP."""

import json
import time
from uuid import uuid4

import httpx
import pytest

from devtools.stripe_sim.webhooks import signature
from tests.donations.conftest import WEBHOOK_SECRET, Donating, Stripe

GIFT = {"amount": 2500, "currency": "GBP", "email": "ada@example.org", "name": "Ada", "locale": "uk"}
PATH = "/api/v1/appeals/shelter/donations"


async def test_an_appeal_says_all_that_a_giver_must_know(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    await stripe.pay(started)
    await donating.sweeper.ask_about_pending()
    answer = await http.get("/api/v1/appeals/shelter")
    assert answer.status_code == 200
    appeal = answer.json()
    assert appeal["raised"] == {"amount": 2500, "currency": "GBP"}
    assert appeal["totals"] == [{"currency": "GBP", "raised": 2500, "refunded": 0, "net": 2500}]
    assert appeal["beneficiaries"][0]["charity_number"] == "123456"
    assert [offer["currency"] for offer in appeal["offers"]] == ["GBP", "EUR", "JPY", "PLN", "UAH", "USD"]
    assert appeal["offers"][0]["suggested"] == [1000, 2500, 5000]
    assert (appeal["offers"][0]["minimum"], appeal["offers"][0]["maximum"]) == (100, 1_000_000)
    assert appeal["consents"][0]["wording_version"] == 1
    again = await http.get("/api/v1/appeals/shelter", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    nowhere = await http.get("/api/v1/appeals/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "appeal_not_found")


async def test_a_program_gives_and_follows_its_donation(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe
) -> None:
    answer = await http.post(PATH, json=GIFT)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    started = answer.json()
    assert started["status"] == "pending"
    assert started["return_url"].endswith(f"/donations/{started['token']}")
    mine = {"Authorization": f"Bearer {started['token']}"}
    waiting = await http.get(f"/api/v1/donations/{started['id']}", headers=mine)
    assert (waiting.json()["status"], waiting.json()["charged"]) == ("pending", None)
    await stripe.control("pay", session=started["checkout_url"].rsplit("/", 1)[1])
    await donating.sweeper.ask_about_pending()
    paid = await http.get(f"/api/v1/donations/{started['id']}", headers=mine)
    assert paid.headers["cache-control"] == "no-store"
    assert paid.json() | {"created_at": "", "settled_at": "", "reference": ""} == {
        "id": started["id"],
        "reference": "",
        "appeal": "shelter",
        "status": "succeeded",
        "charged": True,
        "amount": 2500,
        "currency": "GBP",
        "refunded": 0,
        "frequency": "once",
        "failure_code": None,
        "created_at": "",
        "settled_at": "",
    }


async def test_without_its_token_a_donation_is_nowhere(http: httpx.AsyncClient) -> None:
    mine = (await http.post(PATH, json=GIFT)).json()
    other = (await http.post(PATH, json=GIFT)).json()
    path = f"/api/v1/donations/{mine['id']}"
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": f"Bearer {other['token']}"},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Basic {mine['token']}"},
    ]
    for each in headers:
        answer = await http.get(path, headers=each)
        assert (answer.status_code, answer.json()["code"]) == (404, "donation_not_found")
    unknown = await http.get(
        f"/api/v1/donations/{uuid4()}", headers={"Authorization": f"Bearer {mine['token']}"}
    )
    assert unknown.status_code == 404


async def test_the_same_key_gets_the_same_answer(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-1"}
    first, again = [await http.post(PATH, json=GIFT, headers=key) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    changed = await http.post(PATH, json=GIFT | {"amount": 2600}, headers=key)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")
    malformed = await http.post(PATH, json=GIFT, headers={"Idempotency-Key": "x" * 256})
    assert (malformed.status_code, malformed.json()["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": 25.0}, 422, None),
        ({"amount": "2500"}, 422, None),
        ({"amount": True}, 422, None),
        ({"amount": 0}, 422, None),
        ({"amount": -1}, 422, None),
        ({"amount": 10**30}, 422, None),
        ({"amount": 99}, 422, "amount_too_small"),
        ({"amount": 10**12}, 422, "amount_too_large"),
        ({"currency": "XXX"}, 422, "currency_unsupported"),
        ({"currency": "gbp"}, 422, None),
        ({"frequency": "monthly"}, 422, "frequency_not_offered"),
        ({"frequency": "daily"}, 422, None),
        ({"mode": "payment_intent"}, 422, "mode_not_offered"),
        ({"email": "ada"}, 422, "email_invalid"),
        ({"email": "ada@exa\u0000mple.org"}, 422, "email_invalid"),
        ({"name": "\u202eevil"}, 422, "text_invalid"),
        ({"placement": "a/b"}, 422, "placement_invalid"),
        ({"wording_version": 9}, 422, "wording_changed"),
        ({"wording_version": 2**63}, 422, None),
        ({"locale": "\x00"}, 422, None),
        ({"surprise": 1}, 422, None),
        ({"amount": 1, "email": "x"}, 422, "invalid_fields"),
    ],
)
async def test_bad_input_is_a_clear_refusal(
    http: httpx.AsyncClient, donating: Donating, change: dict[str, object], status: int, code: str | None
) -> None:
    answer = await http.post(PATH, json=GIFT | change)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["code"] == code or code is None
    assert problem["field"] in change
    assert answer.headers["content-type"] == "application/problem+json"
    assert donating.rows("select id from donations") == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"amount":1e999}', b'"\\ud800"', b"\xff\xfe", b"[" * 10_000]
)
async def test_what_is_no_gift_at_all_is_no_error_of_ours(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


async def test_a_lone_surrogate_is_refused(http: httpx.AsyncClient) -> None:
    body = b'{"amount": 2500, "currency": "GBP", "email": "ada@example.org", "name": "\\ud800"}'
    answer = await http.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text


async def test_an_unknown_outcome_is_a_503_that_says_what_to_do(
    http: httpx.AsyncClient, stripe: Stripe
) -> None:
    await stripe.fault("POST /v1/checkout/sessions", "error_500_after")
    answer = await http.post(PATH, json=GIFT)
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_outcome_unknown")
    assert "do not pay again" in answer.json()["detail"]
    await stripe.fault("POST /v1/checkout/sessions", "rate_limit_429", times=3)
    busy = await http.post(PATH, json=GIFT)
    assert (busy.status_code, busy.json()["code"]) == (503, "payment_busy")
    assert int(busy.headers["retry-after"]) > 0


async def test_the_webhook_keeps_what_is_signed_and_answers_200(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe
) -> None:
    await stripe.pay(await donating.give())
    bodies = [json.dumps(event).encode() for event in stripe.objects("event")]
    for body in bodies * 2:
        signed = {"Stripe-Signature": signature(body, WEBHOOK_SECRET, int(time.time()))}
        answer = await http.post("/webhooks/stripe", content=body, headers=signed)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert len(donating.rows("select id from stripe_events")) == len(
        donating.rows("select id from procrastinate_jobs")
    )
    refused = await http.post("/webhooks/stripe", content=bodies[0])
    assert (refused.status_code, refused.json()["code"]) == (400, "webhook_signature_invalid")
    forged = await http.post("/webhooks/stripe", content=bodies[0], headers={"Stripe-Signature": "t=1,v1=00"})
    assert (forged.status_code, forged.json()["code"]) == (400, "webhook_signature_invalid")
    raw = await http.post("/webhooks/stripe", content=b"\xff\xfe", headers={"Stripe-Signature": "t=1,v1=0"})
    assert (raw.status_code, raw.json()["code"]) == (400, "webhook_payload_invalid")
