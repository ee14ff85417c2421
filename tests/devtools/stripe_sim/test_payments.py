from __future__ import annotations

import time

import httpx
import pytest
import stripe

from tests.devtools.stripe_sim.giving import CARDS, open_session


def paid_intent(
    client: stripe.StripeClient, amount: int = 2500, currency: str = "gbp"
) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": currency,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": CARDS,
            "confirm": True,
            "capture_method": "automatic",
            "metadata": {"donation": "d1"},
            "expand": ["latest_charge.balance_transaction"],
        },
    )


def transaction_of(intent: stripe.PaymentIntent) -> stripe.BalanceTransaction:
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    return intent.latest_charge.balance_transaction


@pytest.mark.parametrize(
    ("amount", "currency", "settled", "fee", "rate"),
    [
        (2500, "gbp", 2500, 58, None),  # 1.5% of £25.00 is 37.5p, rounded up, and 20p
        (2500, "eur", 2168, 96, 0.8671),  # 3.5% of £21.68 is 75.88p, and 20p
        (5000, "jpy", 2535, 109, 0.00507),  # ¥5,000 is £25.35
        (10_000, "pln", 2037, 91, 0.2037),
        (100_000, "uah", 1818, 84, 0.01818),
    ],
)
def test_the_balance_transaction_is_in_pounds(
    client: stripe.StripeClient, *, amount: int, currency: str, settled: int, fee: int, rate: float | None
) -> None:
    intent = paid_intent(client, amount, currency)
    booked = transaction_of(intent)
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", amount, currency)
    assert (booked.amount, booked.fee, booked.net) == (settled, fee, settled - fee)
    assert (booked.currency, booked.exchange_rate) == ("gbp", rate)
    assert sum(part.amount for part in booked.fee_details) == fee
    assert client.v1.balance_transactions.retrieve(booked.id).net == booked.net
    assert isinstance(intent.latest_charge, stripe.Charge)
    sources = client.v1.balance_transactions.list({"source": intent.latest_charge.id}).data
    assert [one.id for one in sources] == [booked.id]


def test_a_checkout_charge_settles_a_moment_later(client: stripe.StripeClient, control: httpx.Client) -> None:
    control.post("settings", json={"settle_seconds": 60})
    session = open_session(client)
    paid = control.post("pay", json={"session": session.id}).json()
    charge = client.v1.charges.list({"payment_intent": paid["payment_intent"]}).data[0]
    assert (charge.status, charge.balance_transaction) == ("succeeded", None)
    control.post("settings", json={"settle": True})
    settled = client.v1.charges.retrieve(charge.id)
    assert isinstance(settled.balance_transaction, str)
    event = client.v1.events.list({"type": "charge.updated"}).data[0]
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes["balance_transaction"] is None
    assert event.data.object["balance_transaction"] == settled.balance_transaction


def test_settling_needs_no_one(client: stripe.StripeClient, control: httpx.Client) -> None:
    control.post("pay", json={"session": open_session(client).id})
    deadline = time.monotonic() + 3
    while not client.v1.events.list({"type": "charge.updated"}).data:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_rates_can_move(client: stripe.StripeClient, control: httpx.Client) -> None:
    control.post("settings", json={"rates": {"eur": "0.9"}})
    intent = paid_intent(client, 1000, "eur")
    assert transaction_of(intent).amount == 900
    control.post("settings", json={"rates": {"eur": "0.8"}})
    refund = client.v1.refunds.create({"payment_intent": intent.id, "expand": ["balance_transaction"]})
    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    assert (refund.balance_transaction.amount, refund.balance_transaction.fee) == (-800, 0)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
    ],
)
def test_a_declined_intent_is_a_card_error(client: stripe.StripeClient, method: str, code: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "gbp",
                "payment_method": method,
                "automatic_payment_methods": CARDS,
                "confirm": True,
            },
        )
    assert (caught.value.http_status, caught.value.code) == (402, code)
    assert caught.value.error is not None
    assert caught.value.error.payment_intent is not None
    intent = caught.value.error.payment_intent
    assert intent.status == "requires_payment_method"
    confirmed = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert confirmed.status == "succeeded"


def test_an_intent_is_confirmed_later(client: stripe.StripeClient) -> None:
    intents = client.v1.payment_intents
    intent = intents.create(
        {"amount": 500, "currency": "GBP", "automatic_payment_methods": {"enabled": True}}
    )
    assert (intent.status, intent.currency) == ("requires_payment_method", "gbp")
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        intents.confirm(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    done = intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "return_url": "https://haven.example/back"}
    )
    assert done.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": "https://haven.example"})
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded") as caught:
        intents.cancel(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_the_payment_method_may_be_chosen_at_creation(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "gbp",
            "payment_method": "pm_card_gb",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
    )
    assert intent.status == "requires_confirmation"
    done = client.v1.payment_intents.confirm(intent.id, {"expand": ["payment_method"]})
    assert isinstance(done.payment_method, stripe.PaymentMethod)
    assert done.payment_method.card is not None
    assert done.payment_method.card.country == "GB"


@pytest.mark.parametrize(("action", "outcome"), [("complete", "succeeded"), ("fail", "failed")])
def test_an_intent_is_authenticated_at_the_bank(
    client: stripe.StripeClient, browser: httpx.Client, action: str, outcome: str
) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "gbp",
            "payment_method": "pm_card_authenticationRequired",
            "automatic_payment_methods": {"enabled": True},
            "return_url": "https://haven.example/back?d=1",
            "confirm": True,
        },
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.url is not None
    bank = intent.next_action.redirect_to_url.url
    assert "Complete authentication" in browser.get(bank).text
    back = browser.post(bank, data={"action": action}).headers["location"]
    assert back.startswith(f"https://haven.example/back?d=1&payment_intent={intent.id}")
    assert back.endswith(f"redirect_status={outcome}")
    status = client.v1.payment_intents.retrieve(intent.id).status
    assert status == ("succeeded" if outcome == "succeeded" else "requires_payment_method")


def test_an_unpaid_intent_can_be_cancelled(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "gbp"})
    gone = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    types = [event.type for event in client.v1.events.list().data]
    assert types == ["payment_intent.canceled", "payment_intent.created"]


def test_refunds_never_exceed_the_charge(client: stripe.StripeClient) -> None:
    intent = paid_intent(client)
    assert isinstance(intent.latest_charge, stripe.Charge)
    charge_id = intent.latest_charge.id
    part = client.v1.refunds.create(
        {"charge": charge_id, "amount": 1000, "reason": "requested_by_customer", "metadata": {"r": "1"}}
    )
    assert (part.status, part.amount, part.payment_intent) == ("succeeded", 1000, intent.id)
    with pytest.raises(stripe.InvalidRequestError, match=r"\(£15.01\) is greater than .* \(£15.00\)"):
        client.v1.refunds.create({"charge": charge_id, "amount": 1501})
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    assert rest.amount == 1500
    charge = client.v1.charges.retrieve(charge_id, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (2500, True)
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as caught:
        client.v1.refunds.create({"charge": charge_id})
    assert caught.value.code == "charge_already_refunded"
    assert [one.id for one in client.v1.refunds.list({"charge": charge_id}).data] == [rest.id, part.id]
    types = {event.type for event in client.v1.events.list({"limit": 4}).data}
    assert types == {"refund.created", "charge.refunded"}
    assert client.v1.balance.retrieve().pending[0].amount == -58


def test_what_was_not_paid_is_not_refunded(client: stripe.StripeClient, control: httpx.Client) -> None:
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "gbp"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        client.v1.refunds.create({})
    control.post("pay", json={"session": open_session(client).id, "card": "4000000000000002"})
    failed = client.v1.charges.list().data[0]
    with pytest.raises(stripe.InvalidRequestError, match="failed, and cannot be refunded"):
        client.v1.refunds.create({"charge": failed.id})


def test_metadata_is_merged_and_unset(client: stripe.StripeClient) -> None:
    intent = paid_intent(client)
    assert isinstance(intent.latest_charge, stripe.Charge)
    charge_id = intent.latest_charge.id
    client.v1.charges.update(charge_id, {"metadata": {"a": "1"}})
    changed = client.v1.charges.update(charge_id, {"metadata": {"donation": ""}})
    assert changed.metadata.to_dict() == {"a": "1"}
    refund = client.v1.refunds.create({"charge": charge_id})
    assert client.v1.refunds.update(refund.id, {"metadata": {"b": "2"}}).metadata is not None
    client.v1.payment_intents.update(intent.id, {"metadata": {"c": "3"}})
    session = open_session(client)
    client.v1.checkout.sessions.update(session.id, {"metadata": {"d": "4"}})
