"""A developer builds a form of their own on the JSON API, with nothing but HTTP."""

import statistics
import time
from collections.abc import Callable

import httpx
import pytest

from tests.journeys.figures import APPEAL, PETITION, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Running
from tests.journeys.signing import SIGN, Body, form_of
from tests.journeys.waiting import until

GIVE = f"/api/v1/appeals/{APPEAL}/donations"


def is_problem(answer: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    """RFC 9457, with our code and field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem)
    assert (problem["status"], problem["code"], problem.get("field")) == (status, code, field), problem
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_a_developer_signs_somebody_up(
    api: httpx.AsyncClient, mailbox: Mailbox, figures: PublicFigures
) -> None:
    sam, before = person("Sam Okoro", postcode="M1 1AE"), await figures.count()
    body = await form_of(api, sam, placement="partner-site", locale="en")
    accepted = await api.post(SIGN, json=body, headers={"Idempotency-Key": sam.mark})
    assert (accepted.status_code, accepted.json()) == (202, {"status": "check_your_inbox"})
    token = (await mailbox.newest(sam.email)).token
    answers = [await api.post("/api/v1/signatures/confirm", json={"token": token}) for _ in range(3)]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.json()["count"] == before + 1
        assert answer.json()["manage_url"].endswith(f"/my/{token}")
    await until(figures.count, lambda count: count == before + 1)
    await _changes_and_ends(api, sam, token)
    await until(figures.count, lambda count: count == before)
    again = await api.post("/api/v1/signatures/confirm", json={"token": token})
    is_problem(again, 410, "signature_ended")


async def _changes_and_ends(api: httpx.AsyncClient, sam: Person, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    held = await api.get("/api/v1/my", headers=bearer)
    assert held.headers["cache-control"] == "no-store"
    assert (held.json()["name"], held.json()["email"], held.json()["state"]) == (
        sam.name,
        sam.email,
        "confirmed",
    )
    wish = {"name": "Samuel Okoro", "show_name": "Sam", "comment": "For my aunt."}
    assert (await api.patch("/api/v1/my", headers=bearer, json=wish)).status_code == 202

    async def mine() -> Body:
        return dict((await api.get("/api/v1/my", headers=bearer)).json())

    changed = await until(mine, lambda held: held["shown_name"] == "Sam")
    assert (changed["name"], changed["comment_approved"]) == ("Samuel Okoro", False)
    unknown = await api.patch("/api/v1/my", headers=bearer, json={"email": "other@example.net"})
    is_problem(unknown, 422, "invalid_fields", "email")
    assert (await api.delete("/api/v1/my", headers=bearer)).status_code == 204
    gone = await mine()
    assert (gone["state"], gone["name"], gone["email"], gone["shown_name"]) == ("withdrawn", "", "", None)
    assert (await api.delete("/api/v1/my", headers=bearer)).status_code in (204, 410)


async def test_errors_are_problems_with_code_and_field(api: httpx.AsyncClient) -> None:
    good = await form_of(api, person("Sam Okoro"))
    versions = [dict(consent, wording_version=99) for consent in good["consents"]]
    for changes, code, field in (
        ({"email": "sam at example"}, "email_invalid", "email"),
        ({"country": "XX"}, "country_unknown", "country"),
        ({"postcode": "nonsense"}, "postcode_invalid", "postcode"),
        ({"placement": "a b"}, "placement_invalid", "placement"),
        ({"consents": []}, "consent_missing", "consents"),
        ({"consents": versions}, "consent_unknown", "consents"),
    ):
        answer = await api.post(SIGN, json=good | changes)
        assert answer.status_code == 422
        faults = [(fault["field"], fault["code"]) for fault in answer.json()["errors"]]
        assert (field, code) in faults, answer.text
    is_problem(await api.get("/api/v1/petitions/there-is-none"), 404, "petition_not_found")
    is_problem(await api.get("/api/v1/my", headers={"Authorization": "Bearer no"}), 404, "link_unknown")
    is_problem(await api.post("/api/v1/signatures/confirm", json={"token": "A" * 32}), 404, "link_unknown")
    is_problem(await api.delete(f"/api/v1/petitions/{PETITION}"), 405, "method_not_allowed")
    listed = {error["code"]: error["status"] for error in (await api.get("/api/v1/errors")).json()}
    assert listed["petition_not_found"] == 404
    assert listed["consent_missing"] == 422


async def test_nobody_learns_who_has_signed(api: httpx.AsyncClient, mailbox: Mailbox) -> None:
    sam = person("Sam Okoro")
    body = await form_of(api, sam)
    first = await api.post(SIGN, json=body)
    token = (await mailbox.newest(sam.email)).token
    await api.post("/api/v1/signatures/confirm", json={"token": token})
    second = await api.post(SIGN, json=body)
    assert (await mailbox.newest(sam.email, 2)).subject == "You have confirmed this before"
    assert (first.status_code, first.content) == (second.status_code, second.content)
    changing = {"x-request-id", "date"}
    kept = [{k: v for k, v in a.headers.items() if k not in changing} for a in (first, second)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/campaigns",
        f"/api/v1/campaigns/{PETITION}",
        f"/api/v1/petitions/{PETITION}",
        f"/api/v1/petitions/{PETITION}/count",
        f"/api/v1/petitions/{PETITION}/breakdown?by=country",
        f"/api/v1/appeals/{APPEAL}",
    ],
)
async def test_public_reads_are_cached_and_open_to_all_origins(api: httpx.AsyncClient, path: str) -> None:
    first = await api.get(path, headers={"Origin": "https://partner.example"})
    assert first.status_code == 200
    assert first.headers["access-control-allow-origin"] == "*"
    assert "max-age=" in first.headers["cache-control"]
    unchanged = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == first.headers["etag"]
    assert (await api.get(path, headers={"If-None-Match": '"another"'})).status_code == 200


async def test_a_developer_starts_a_donation_once_for_a_key(
    api: httpx.AsyncClient, mailbox: Mailbox, figures: PublicFigures
) -> None:
    sam, before = person("Sam Okoro"), await figures.raised()
    terms = (await api.get(f"/api/v1/appeals/{APPEAL}")).json()["consents"][0]
    body: Body = {
        "amount": 1000,
        "currency": "GBP",
        "email": sam.email,
        "name": sam.name,
        "wording_version": terms["wording_version"],
    }
    key = {"Idempotency-Key": f"key-{sam.mark}"}
    started = await api.post(GIVE, json=body, headers=key)
    assert started.status_code == 201, started.text
    for _ in range(3):
        assert (await api.post(GIVE, json=body, headers=key)).json() == started.json()
    is_problem(await api.post(GIVE, json=body | {"amount": 1100}, headers=key), 422, "idempotency_mismatch")
    another = await api.post(GIVE, json=body, headers={"Idempotency-Key": f"other-{sam.mark}"})
    assert another.json()["id"] != started.json()["id"]
    await _refuses_wrong_gifts(api, body)
    await _pays(api, started.json(), sam, mailbox)
    await until(figures.raised, lambda raised: raised == before + 1000)


async def _refuses_wrong_gifts(api: httpx.AsyncClient, body: Body) -> None:
    for changes, code, field in (
        ({"amount": 1}, "amount_too_small", "amount"),
        ({"amount": 99_999_999}, "amount_too_large", "amount"),
        ({"currency": "CHF"}, "currency_unsupported", "currency"),
        ({"email": "sam"}, "email_invalid", "email"),
        ({"frequency": "monthly"}, "frequency_not_offered", "frequency"),
        ({"mode": "payment_intent"}, "mode_not_offered", "mode"),
        ({"wording_version": 99}, "wording_changed", "wording_version"),
    ):
        is_problem(await api.post(GIVE, json=body | changes), 422, code, field)


async def _pays(api: httpx.AsyncClient, started: Body, sam: Person, mailbox: Mailbox) -> None:
    path, bearer = f"/api/v1/donations/{started['id']}", {"Authorization": f"Bearer {started['token']}"}
    for headers in ({}, {"Authorization": f"Bearer {'A' * 32}"}):
        is_problem(await api.get(path, headers=headers), 404, "donation_not_found")
    assert (await api.get(path, headers=bearer)).json()["charged"] is None
    card = {"cardNumber": "4242424242424242", "cardExpiry": "12/34", "cardCvc": "123", "billingName": "Sam O"}
    paid = await api.post(started["checkout_url"], data=card)
    assert (paid.status_code, paid.headers["location"]) == (303, started["return_url"])

    async def donation() -> Body:
        return dict((await api.get(path, headers=bearer)).json())

    settled = await until(donation, lambda donation: donation["charged"] is True)
    assert (settled["amount"], settled["currency"], settled["refunded"]) == (1000, "GBP", 0)
    assert settled["reference"] in (await mailbox.newest(sam.email)).text


async def test_from_letter_to_mail_in_less_than_a_second(
    running: Running, api: httpx.AsyncClient, mailbox: Mailbox, record_property: Callable[[str, object], None]
) -> None:
    seconds = []
    for _ in range(10):
        sam = person("Sam Okoro")
        body = await form_of(api, sam)
        accepted = time.time()
        assert (await api.post(SIGN, json=body)).status_code == 202
        seconds.append((await mailbox.newest(sam.email)).received_at.timestamp() - accepted)
    record_property("seconds_from_letter_to_mail", [round(each, 3) for each in sorted(seconds)])
    assert statistics.median(seconds) < 1, sorted(seconds)
