from __future__ import annotations

import time

import httpx
import pytest
import stripe

from tests.devtools.stripe_sim.giving import CANCEL, fill, open_session, params

GOOD = "4242 4242 4242 4242"


def test_a_session_opens_with_a_page(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.livemode) == ("open", "unpaid", False)
    assert (session.amount_total, session.currency, session.submit_type) == (2500, "gbp", "donate")
    assert session.payment_intent is None
    assert session.url is not None
    page = browser.get(session.url).text
    assert "Pay £25.00" in page
    assert "Refugees Welcome" in page
    assert f'href="{CANCEL}"' in page
    assert "<script" not in page


def test_a_good_card_pays_and_leads_to_the_thanks(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    answer = fill(browser, session, GOOD)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://127.0.0.1:8000/donations/d1?paid={session.id}"
    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 2500)
    assert intent.metadata.to_dict() == {"donation": "donation-1"}
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.billing_details.name == "Pat Payer"
    assert paid.line_items is not None
    assert paid.line_items.data[0].amount_total == 2500


@pytest.mark.parametrize("card", ["5555555555554444", "378282246310005", "4000008260000000"])
def test_other_brands_pay_too(client: stripe.StripeClient, browser: httpx.Client, card: str) -> None:
    assert fill(browser, open_session(client), card).status_code == 303


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "message"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
        ("4000000000009995", "card_declined", "insufficient_funds", "insufficient funds"),
        ("4000000000000069", "expired_card", None, "has expired"),
        ("4000000000000127", "incorrect_cvc", None, "security code is incorrect"),
        ("4000000000000119", "processing_error", "processing_error", "while processing your card"),
        ("4111111111111111", "card_declined", "test_mode_live_card", "non test (live) card"),
    ],
)
def test_a_bad_card_stays_on_the_page_and_another_may_be_tried(
    client: stripe.StripeClient,
    browser: httpx.Client,
    *,
    card: str,
    code: str,
    decline_code: str | None,
    message: str,
) -> None:
    session = open_session(client)
    answer = fill(browser, session, card)
    assert answer.status_code == 402
    assert message in answer.text
    assert card not in answer.text
    declined = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    intent = declined.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    assert getattr(intent.last_payment_error, "decline_code", None) == decline_code
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.status == "failed"
    types = [event.type for event in client.v1.events.list().data]
    assert types == ["payment_intent.payment_failed", "charge.failed", "payment_intent.created"]
    assert fill(browser, session, GOOD).status_code == 303
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cardNumber": "4242424242424241"}, "card number is invalid"),
        ({"cardNumber": ""}, "card number is invalid"),
        ({"cardExpiry": "01/20"}, "in the past"),
        ({"cardExpiry": "13/34"}, "incomplete"),
        ({"cardCvc": "1"}, "security code is incomplete"),
        ({"billingName": " "}, "name is incomplete"),
    ],
)
def test_the_form_is_checked_before_anything_is_tried(
    client: stripe.StripeClient, browser: httpx.Client, changes: dict[str, str], message: str
) -> None:
    session = open_session(client)
    answer = fill(browser, session, GOOD, **changes)
    assert answer.status_code == 422
    assert message in answer.text
    assert client.v1.payment_intents.list().data == []


def test_words_of_others_are_escaped(client: stripe.StripeClient, browser: httpx.Client) -> None:
    wanted = params()
    wanted["line_items"][0]["price_data"]["product_data"]["name"] = "<b>&</b>"
    session = client.v1.checkout.sessions.create(wanted)
    answer = fill(browser, session, "1", billingName='"><script>')
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("card", ["4000002500003155", "4000002760003184"])
def test_three_d_secure_passed(client: stripe.StripeClient, browser: httpx.Client, card: str) -> None:
    session = open_session(client)
    answer = fill(browser, session, card)
    assert answer.status_code == 303
    bank = browser.get(answer.headers["location"])
    assert "Complete authentication" in bank.text
    assert "£25.00" in bank.text
    waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(waiting.payment_intent, stripe.PaymentIntent)
    assert waiting.payment_intent.status == "requires_action"
    done = browser.post(answer.headers["location"], data={"action": "complete"})
    assert session.id in done.headers["location"]
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_failed_leads_back_to_the_form(
    client: stripe.StripeClient, browser: httpx.Client
) -> None:
    session = open_session(client)
    bank = fill(browser, session, "4000002760003184").headers["location"]
    answer = browser.post(bank, data={"action": "fail"})
    assert answer.status_code == 402
    assert "unable to authenticate" in answer.text
    assert f'action="/c/pay/{session.id}"' in answer.text  # the form again, although at the bank's address
    intent = client.v1.payment_intents.list().data[0]
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert client.v1.charges.list().data == []
    assert fill(browser, session, GOOD).status_code == 303


def test_paying_twice_charges_once(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    first, second = fill(browser, session, GOOD), fill(browser, session, GOOD)
    assert first.headers["location"] == second.headers["location"]
    assert len(client.v1.charges.list().data) == 1
    assert browser.get(f"/c/pay/{session.id}").status_code == 303


def test_an_expired_session_takes_no_payment(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    fill(browser, session, "4000000000000002")
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    page = fill(browser, session, GOOD)
    assert page.status_code == 410
    assert "not been charged" in page.text
    assert CANCEL in page.text
    intent = client.v1.payment_intents.list().data[0]
    assert intent.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        client.v1.checkout.sessions.expire(session.id)
    types = [event.type for event in client.v1.events.list({"limit": 2}).data]
    assert types == ["checkout.session.expired", "payment_intent.canceled"]


def test_sessions_expire_on_their_own(client: stripe.StripeClient, control: httpx.Client) -> None:
    wanted = params()
    wanted["expires_at"] = int(time.time()) + 1900
    session, other = client.v1.checkout.sessions.create(wanted), open_session(client)
    control.post("clock", json={"advance": 2000}).raise_for_status()
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert client.v1.checkout.sessions.retrieve(other.id).status == "open"
    control.post("clock", json={"advance": 86_400}).raise_for_status()
    assert client.v1.checkout.sessions.retrieve(other.id).status == "expired"
    assert [event.type for event in client.v1.events.list().data] == ["checkout.session.expired"] * 2


def test_sessions_are_listed_by_state_payer_and_intent(
    client: stripe.StripeClient, browser: httpx.Client
) -> None:
    paid, waiting = open_session(client), open_session(client)
    fill(browser, paid, GOOD)
    sessions = client.v1.checkout.sessions
    assert [s.id for s in sessions.list({"status": "open"}).data] == [waiting.id]
    assert [s.id for s in sessions.list({"status": "complete"}).data] == [paid.id]
    assert len(sessions.list({"customer_details": {"email": "pat@example.org"}}).data) == 2
    intent = client.v1.payment_intents.list().data[0].id
    assert [s.id for s in sessions.list({"payment_intent": intent}).data] == [paid.id]
    assert sessions.line_items.list(paid.id).data[0].description == "Refugees Welcome"


def test_an_intent_of_checkout_belongs_to_checkout(
    client: stripe.StripeClient, browser: httpx.Client
) -> None:
    fill(browser, open_session(client), "4000000000000002")
    intent = client.v1.payment_intents.list().data[0]
    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        client.v1.payment_intents.cancel(intent.id)


def test_paying_headlessly(client: stripe.StripeClient, control: httpx.Client) -> None:
    session = open_session(client)
    declined = control.post("pay", json={"session": session.id, "card": "4000000000009995"}).json()
    assert declined["status"] == "requires_payment_method"
    assert declined["message"] == "Your card has insufficient funds."
    left = control.post(
        "pay", json={"session": session.id, "card": "4000002500003155", "authenticate": "leave"}
    ).json()
    assert left["status"] == "requires_action"
    assert control.post("pay", json={"session": session.id}).json()["status"] == "succeeded"
    assert control.post("pay", json={"session": session.id}).status_code == 400


def test_an_unknown_page_is_not_found(browser: httpx.Client) -> None:
    assert browser.get("/c/pay/cs_test_nothing").status_code == 404
    assert browser.get("/healthz").json() == {"status": "ok"}


def test_who_leaves_the_bank_may_use_another_card(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    bank = fill(browser, session, "4000002500003155").headers["location"]
    assert fill(browser, session, GOOD).status_code == 303
    assert session.id in browser.post(bank, data={"action": "complete"}).headers["location"]
    assert [charge.status for charge in client.v1.charges.list().data] == ["succeeded"]


def test_a_session_may_expire_at_the_bank(client: stripe.StripeClient, browser: httpx.Client) -> None:
    session = open_session(client)
    bank = fill(browser, session, "4000002500003155").headers["location"]
    client.v1.checkout.sessions.expire(session.id)
    assert browser.get(bank).status_code == 410
    assert browser.post(bank, data={"action": "complete"}).status_code == 410
    assert client.v1.charges.list().data == []
