"""What a donor who comes back reads is what became of this very gift."""

from dataclasses import replace

import httpx
import pytest

from app.donations.gateway import Payment
from app.donations.returning import Standing, ask_standing, read_by_token
from app.donations.settlement import Settlement
from tests.donations.conftest import Donating, Stripe


async def page_of(http: httpx.AsyncClient, token: str) -> str:
    answer = await http.get(f"/donations/{token}?lang=en")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(
    ("amount", "headline", "row"),
    [
        (2500, "Your gift of £25 has been refunded", "£25 of £25"),
        (400, "A part of your gift has been refunded", "£4 of £25"),
    ],
)
async def test_a_refund_is_said(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe, amount: int, headline: str, row: str
) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    await donating.settlement.settle_object(paid["payment_intent"])
    assert "Thank you for giving £25" in await page_of(http, started.token)
    await stripe.refund(paid["payment_intent"], amount)
    await donating.settlement.settle_object(paid["payment_intent"])
    page = await page_of(http, started.token)
    assert headline in page
    assert row in page
    assert "Thank you" not in page


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        ("disputed", "Your bank is asking for this payment back"),
        ("dispute_lost", "Your bank has taken this payment back"),
        ("dispute_won", "Thank you for giving £25"),
    ],
)
async def test_a_dispute_is_said(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe, state: str, headline: str
) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    await donating.settlement.settle_object(paid["payment_intent"])
    donating.superuser.execute("update donations set state = %s", (state,))
    assert headline in await page_of(http, started.token)


async def test_receivers_and_terms_are_those_of_the_gift_and_of_the_next_one_in_its_form(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe
) -> None:
    started, declined = await donating.give(), await donating.give()
    paid = await stripe.pay(started)
    await donating.settlement.settle_object(paid["payment_intent"])
    donating.superuser.execute(
        "insert into beneficiaries (name, charity_number, url) values ('Later Relief', '2', '')"
    )
    donating.superuser.execute(
        "insert into allocation_shares (appeal_id, starts_at, beneficiary_id, weight) "
        "select a.id, clock_timestamp(), b.id, 1 from appeals a, beneficiaries b "
        "where b.name = 'Later Relief'"
    )
    donating.superuser.execute(
        "insert into wordings (campaign_id, purpose, version, text, required) "
        "select campaign_id, purpose, 2, jsonb_build_object('en', 'Terms of tomorrow.'), required "
        "from wordings where purpose = 'donation'"
    )
    try:
        page, again = await page_of(http, started.token), await page_of(http, declined.token)
    finally:
        donating.superuser.execute("set session_replication_role = replica")
        donating.superuser.execute(
            "delete from allocation_shares using beneficiaries b "
            "where b.id = beneficiary_id and b.name = 'Later Relief'"
        )
        donating.superuser.execute("delete from beneficiaries where name = 'Later Relief'")
        donating.superuser.execute("delete from wordings where version = 2")
        donating.superuser.execute("reset session_replication_role")
    assert "Example Relief" in page
    assert "Wording for donation." in page
    assert "Later Relief" not in page
    assert "Terms of tomorrow." not in page
    assert "You came back before paying." in again
    assert "Later Relief" in again
    assert "Terms of tomorrow." in again
    assert 'name="terms" value="2"' in again


@pytest.mark.parametrize("code", ["not_started", "payment_busy", "payment_refused", "email_refused"])
async def test_a_page_that_never_opened_is_said(
    http: httpx.AsyncClient, donating: Donating, code: str
) -> None:
    started = await donating.give()
    donating.superuser.execute("update donations set state = 'failed', failure_code = %s", (code,))
    page = await page_of(http, started.token)
    assert "The payment page did not open; you have not been charged." in page
    assert "too long" not in page
    assert "declined" not in page


@pytest.mark.parametrize("state", ["pending", "expired"])
async def test_a_charge_that_could_not_be_booked_is_unknown_and_not_checked_for_ever(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe, state: str
) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    donating.superuser.execute("update donations set state = %s", (state,))
    payment = await donating.gateway.find_payment(paid["payment_intent"])
    assert payment.charge is not None
    other = replace(payment, charge=replace(payment.charge, amount_minor=9))

    class Other:
        async def find_payment(self, _object_id: str) -> Payment:
            return other

    settlement = Settlement(
        database=donating.internal,
        gateway=Other(),  # type: ignore[arg-type]
        receipts=donating.receipts,
    )
    assert await settlement.settle_object("pi_x") == "amount_mismatch"
    async with donating.public.begin() as session:
        view = await read_by_token(session, started.token)
    assert view.is_charged is None
    assert (await ask_standing(donating.gateway, view)).standing is Standing.UNKNOWN
    page = await page_of(http, started.token)
    assert "We do not know yet whether you have paid" in page
    assert "Please do not pay again." in page
    assert "data-recheck" not in page
    assert "<form" not in page.partition("<main")[2].partition("</main")[0]


async def test_a_second_charge_leaves_the_first_one_said(
    http: httpx.AsyncClient, donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    await donating.settlement.settle_object(paid["payment_intent"])
    donating.superuser.execute("update donations set failure_code = 'second_charge'")
    page = await page_of(http, started.token)
    assert "Thank you for giving £25" in page
    assert "data-recheck" not in page
