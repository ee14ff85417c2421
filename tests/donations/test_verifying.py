"""What may come in as an event of Stripe's."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.core.clock import FrozenClock
from app.core.errors import AppError
from app.donations.stripe_gateway import API_VERSION, TOLERANCE_SECONDS, StripeGateway, stripe_locale
from devtools.stripe_sim.openapi import load_document
from devtools.stripe_sim.webhooks import signature

SECRET = "whsec_tests_of_verification"
NOW = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def gateway() -> StripeGateway:
    return StripeGateway("sk_test_x", SECRET, clock=FrozenClock(datetime.fromtimestamp(NOW, UTC)))


def event(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "id": "evt_1",
        "object": "event",
        "api_version": API_VERSION,
        "created": NOW,
        "livemode": False,
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    return body | changes


def refusal(gateway: StripeGateway, payload: bytes, header: str) -> str:
    with pytest.raises(AppError) as refused:
        gateway.verify(payload, header)
    return refused.value.code


def test_our_version_is_the_one_that_stripes_description_describes() -> None:
    document = load_document()
    assert document is not None
    assert document["info"]["version"] == API_VERSION


def test_a_signed_event_is_read(gateway: StripeGateway) -> None:
    payload = json.dumps(event()).encode()
    notice = gateway.verify(payload, signature(payload, SECRET, NOW))
    assert (notice.id, notice.type, notice.object_id, notice.livemode, notice.api_version) == (
        "evt_1",
        "payment_intent.succeeded",
        "pi_1",
        False,
        API_VERSION,
    )
    assert notice.created == datetime.fromtimestamp(NOW, UTC)


@pytest.mark.parametrize("drift", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_the_time_may_be_a_little_off_either_way(gateway: StripeGateway, drift: int) -> None:
    payload = json.dumps(event()).encode()
    assert gateway.verify(payload, signature(payload, SECRET, NOW + drift)).id == "evt_1"


@pytest.mark.parametrize("drift", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, 10**7])
def test_too_old_and_too_new_are_refused(gateway: StripeGateway, drift: int) -> None:
    payload = json.dumps(event()).encode()
    assert refusal(gateway, payload, signature(payload, SECRET, NOW + drift)) == "webhook_signature_invalid"


HEADERS: dict[str, Callable[[str], str]] = {
    "none": lambda _: "",
    "another secret": lambda _: signature(b"{}", "whsec_another", NOW),
    "no time": lambda good: good.partition(",")[2],
    "two times": lambda good: f"t={NOW},{good}",
    "no figure": lambda good: good.replace(f"t={NOW}", "t=now"),
    "a figure of another script": lambda good: good.replace(f"t={NOW}", "t=٢٠"),
    "a huge figure": lambda good: good.replace(f"t={NOW}", "t=" + "9" * 5000),
    "not ASCII": lambda good: good + "é",
    "an old scheme": lambda good: good.replace("v1=", "v0="),
    "cut": lambda good: good[:-1],
}


@pytest.mark.parametrize("spoil", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_does_not_match_is_refused(gateway: StripeGateway, spoil: Callable[[str], str]) -> None:
    payload = json.dumps(event()).encode()
    header = spoil(signature(payload, SECRET, NOW))
    assert refusal(gateway, payload, header) == "webhook_signature_invalid"


def test_an_altered_body_is_refused(gateway: StripeGateway) -> None:
    payload = json.dumps(event()).encode()
    header = signature(payload, SECRET, NOW)
    assert refusal(gateway, payload.replace(b"pi_1", b"pi_2"), header) == "webhook_signature_invalid"


def test_an_empty_secret_verifies_nothing() -> None:
    gateway = StripeGateway("sk_test_x", "")
    payload = json.dumps(event()).encode()
    code = refusal(gateway, payload, signature(payload, "", int(time.time())))
    assert code == "webhook_signature_invalid"


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe",
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"object": "event"}',
        json.dumps(event(object="charge")).encode(),
        json.dumps(event(livemode="false")).encode(),
        json.dumps(event(livemode=0)).encode(),
        json.dumps(event(created="1")).encode(),
        json.dumps(event(created=10**20)).encode(),
        json.dumps(event(id=None)).encode(),
        json.dumps(event(id="evt_\x00")).encode(),
        json.dumps(event(id="e" * 256)).encode(),
        json.dumps(event(data={"object": []})).encode(),
        json.dumps(event(data=None)).encode(),
    ],
)
def test_what_is_no_event_is_refused_even_when_signed(gateway: StripeGateway, payload: bytes) -> None:
    assert refusal(gateway, payload, signature(payload, SECRET, NOW)) == "webhook_payload_invalid"


def test_real_money_is_refused(gateway: StripeGateway) -> None:
    payload = json.dumps(event(livemode=True)).encode()
    assert refusal(gateway, payload, signature(payload, SECRET, NOW)) == "webhook_livemode"


def test_another_version_is_noted(gateway: StripeGateway) -> None:
    payload = json.dumps(event(api_version="2020-08-27")).encode()
    assert gateway.verify(payload, signature(payload, SECRET, NOW)).api_version == "2020-08-27"


@pytest.mark.parametrize(
    ("locale", "theirs"), [("en", "en"), ("uk", "en"), ("ar", "en"), ("pl", "pl"), ("auto", "en")]
)
def test_stripes_page_speaks_a_language_it_has_and_never_guesses(locale: str, theirs: str) -> None:
    assert stripe_locale(locale) == theirs
