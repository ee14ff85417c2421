"""Starting a donation: the row first, then Stripe's page."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.errors import AppError, InvalidFields
from app.core.money import Money
from app.crypto import own_copy
from app.donations.appeals import read_appeal
from app.donations.errors import (
    AppealNotFound,
    DonationInProgress,
    EmailRefused,
    IdempotencyKeyInvalid,
    IdempotencyMismatch,
    PaymentBusy,
    PaymentRefused,
    PaymentUnavailable,
)
from app.donations.limits import limits
from app.donations.returning import Standing, ask_standing, read_by_token
from app.donations.sweeper import Sweeper
from tests.donations.conftest import PUBLIC_URL, Donating, Stripe

CREATE = "POST /v1/checkout/sessions"


async def test_a_donor_is_sent_to_a_page_that_names_the_appeal_and_knows_only_our_id(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give(placement="article-1", locale="uk")
    assert started.checkout_url is not None
    assert started.state == "pending"
    (session,) = stripe.objects("checkout.session")
    assert session["client_reference_id"] == str(started.id)
    assert session["metadata"] == {"donation_id": str(started.id)}
    assert session["customer_email"] == "ada@example.org"
    assert session["submit_type"] == "donate"
    assert session["locale"] == "en"
    assert session["amount_total"] == 2500
    assert session["success_url"] == f"{PUBLIC_URL}/donations/{started.token}"
    assert session["cancel_url"] == f"{PUBLIC_URL}/donations/{started.token}?cancelled=1"
    (call,) = stripe.running.simulator.api.calls
    assert call["idempotency_key"] == f"donation:{started.id}:create:1"
    row = donating.row(
        "select state, amount_minor, currency, placement, locale, stripe_session_id from donations "
        "where id = %s",
        started.id,
    )
    assert row == ("pending", 2500, "GBP", "article-1", "uk", session["id"])


async def test_answers_are_sealed_and_kept_for_whoever_holds_the_token(donating: Donating) -> None:
    started = await donating.give(Money(1500, "JPY"), name="Ада", locale="uk")
    sealed, copy = donating.row("select details_sealed, own_copy from donations where id = %s", started.id)
    assert isinstance(sealed, bytes)
    assert isinstance(copy, bytes)
    assert b"ada@example.org" not in sealed + copy
    details = donating.opener.open(sealed, started.id)
    assert details == {"name": "Ада", "email": "ada@example.org", "token": started.token}
    answers = own_copy.decrypt(started.token, copy)
    assert answers == {
        "email": "ada@example.org",
        "name": "Ада",
        "amount_minor": 1500,
        "currency": "JPY",
        "locale": "uk",
    }
    async with donating.public.begin() as session:
        view = await read_by_token(session, started.token)
    assert (view.email, view.name, view.amount, view.locale) == (
        "ada@example.org",
        "Ада",
        Money(1500, "JPY"),
        "uk",
    )
    assert view.is_charged is None
    assert "ada@example.org" not in repr(view)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(99, "GBP"), "amount_too_small"),
        (Money(10_000_01, "GBP"), "amount_too_large"),
        (Money(199, "JPY"), "amount_too_small"),
        (Money(1_500_001, "JPY"), "amount_too_large"),
        (Money(49_99, "UAH"), "amount_too_small"),
        (Money(10**15, "USD"), "amount_too_large"),
    ],
)
async def test_amounts_outside_the_limits_are_refused_at_their_field(
    donating: Donating, amount: Money, code: str
) -> None:
    with pytest.raises(AppError) as refused:
        await donating.give(amount)
    assert (refused.value.code, refused.value.field) == (code, "amount")
    assert donating.rows("select id from donations") == []


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD", "PLN", "UAH", "JPY"])
@pytest.mark.parametrize("side", [0, 1])
async def test_stripe_takes_the_least_and_the_most_of_every_currency(
    donating: Donating, stripe: Stripe, currency: str, side: int
) -> None:
    started = await donating.give(limits(currency)[side])
    assert started.checkout_url is not None
    (session,) = stripe.objects("checkout.session")
    assert (session["amount_total"], session["currency"]) == (
        limits(currency)[side].amount_minor,
        currency.lower(),
    )


@pytest.mark.parametrize(
    ("more", "code", "at"),
    [
        ({"email": "ada"}, "email_invalid", "email"),
        ({"name": "a\x00b"}, "text_invalid", "name"),
        ({"name": "x" * 101}, "text_too_long", "name"),
        ({"placement": "a b"}, "placement_invalid", "placement"),
        ({"frequency": "monthly"}, "frequency_not_offered", "frequency"),
        ({"wording_version": 2}, "wording_changed", "wording_version"),
    ],
)
async def test_what_cannot_be_taken_is_named(
    donating: Donating, more: dict[str, object], code: str, at: str
) -> None:
    with pytest.raises(AppError) as refused:
        await donating.give(**more)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.field) == (code, at)
    assert donating.rows("select id from donations") == []


async def test_several_faults_are_told_at_once(donating: Donating) -> None:
    with pytest.raises(InvalidFields) as refused:
        await donating.give(Money(1, "GBP"), email="nobody", placement="!")
    assert [error.field for error in refused.value.errors] == ["amount", "email", "placement"]


async def test_a_draft_a_closed_and_an_unknown_appeal_take_nothing(donating: Donating) -> None:
    with pytest.raises(AppealNotFound):
        await donating.give(appeal_slug="nowhere")
    donating.superuser.execute("update appeals set state = 'closed'")
    try:
        with pytest.raises(AppError, match="appeal_closed"):
            await donating.give()
        donating.superuser.execute("update appeals set state = 'draft'")
        with pytest.raises(AppealNotFound):
            await donating.give()
    finally:
        donating.superuser.execute("update appeals set state = 'open'")


async def test_the_same_key_gives_the_same_donation_link_and_page(donating: Donating, stripe: Stripe) -> None:
    first = await donating.give(key="one")
    again = await donating.give(key="one")
    assert again == first
    other = await donating.give(key="two")
    assert other.id != first.id
    assert len(stripe.objects("checkout.session")) == 2
    assert len(donating.rows("select id from donations")) == 2
    kept = donating.rows("select key_hash, body_hash from idempotency_keys")
    assert all(len(part) == 32 for row in kept for part in row if isinstance(part, bytes))


async def test_the_same_key_with_another_body_is_refused_and_another_caller_is_another(
    donating: Donating,
) -> None:
    await donating.give(key="one")
    with pytest.raises(IdempotencyMismatch):
        await donating.give(Money(2600, "GBP"), key="one")
    with pytest.raises(IdempotencyMismatch):
        await donating.give(key="one", email="bob@example.org")
    for wrong in ("", "x" * 256, "ключ", "a\nb"):
        with pytest.raises(IdempotencyKeyInvalid):
            await donating.give(key=wrong)


async def test_keys_are_forgotten_after_a_day(donating: Donating) -> None:
    first = await donating.give(key="one")
    donating.superuser.execute("update idempotency_keys set created_at = now() - interval '23 hours'")
    await donating.sweeper.forget_keys()
    assert (await donating.give(key="one")).id == first.id
    donating.superuser.execute("update idempotency_keys set created_at = now() - interval '25 hours'")
    await donating.sweeper.forget_keys()
    assert (await donating.give(key="one")).id != first.id


async def test_many_requests_at_once_with_one_key_make_one_donation(
    donating: Donating, stripe: Stripe
) -> None:
    results = await asyncio.gather(*(donating.give(key="one") for _ in range(8)), return_exceptions=True)
    won = [r for r in results if not isinstance(r, BaseException)]
    assert won
    assert {started.id for started in won} == {won[0].id}
    assert {started.checkout_url for started in won} == {won[0].checkout_url}
    assert all(isinstance(r, DonationInProgress) for r in results if isinstance(r, BaseException))
    assert len(donating.rows("select id from donations")) == 1
    assert len(stripe.objects("checkout.session")) == 1


async def test_a_replay_after_payment_has_nothing_to_pay(donating: Donating, stripe: Stripe) -> None:
    first = await donating.give(key="one")
    await stripe.pay(first)
    assert (await donating.give(key="one")).checkout_url is None
    await donating.sweeper.ask_about_pending()
    again = await donating.give(key="one")
    assert (again.id, again.token, again.state, again.checkout_url) == (
        first.id,
        first.token,
        "succeeded",
        None,
    )


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "reset_before", "reset_after"])
async def test_one_lost_answer_is_asked_for_again_under_the_same_key(
    donating: Donating, stripe: Stripe, kind: str
) -> None:
    await stripe.fault(CREATE, kind)
    started = await donating.give()
    assert started.checkout_url is not None
    assert len(stripe.objects("checkout.session")) == 1


async def test_a_busy_stripe_is_asked_again_and_then_said_to_be_busy(
    donating: Donating, stripe: Stripe
) -> None:
    await stripe.fault(CREATE, "rate_limit_429", times=2)
    assert (await donating.give()).state == "pending"
    await stripe.fault(CREATE, "rate_limit_429", times=3)
    with pytest.raises(PaymentBusy) as refused:
        await donating.give()
    assert refused.value.retry_after
    (failed,) = donating.rows("select failure_code from donations where state = 'failed'")
    assert failed == ("payment_busy",)


async def test_a_refusal_ends_the_donation_and_is_repeated_for_the_same_key(
    donating: Donating, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise EmailRefused(field="email")

    monkeypatch.setattr(donating.gateway, "create_checkout", refuse)
    with pytest.raises(EmailRefused):
        await donating.give(key="one")
    with pytest.raises(PaymentRefused):
        await donating.give(key="one")
    assert donating.rows("select state, failure_code from donations") == [("failed", "email_refused")]
    await donating.sweeper.sweep()
    assert donating.rows("select kind from mails") == []


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_500_after", "reset_after"])
async def test_an_unknown_outcome_is_said_to_be_unknown_then_found_out_and_mailed(
    donating: Donating, stripe: Stripe, kind: str
) -> None:
    await stripe.fault(CREATE, kind, times=4)
    with pytest.raises(PaymentUnavailable):
        await donating.give()
    ((donation_id, state),) = donating.rows("select id, state from donations")
    assert state == "created"
    assert isinstance(donation_id, UUID)
    await stripe.control("faults", clear=True)
    await donating.sweeper.sweep()
    assert donating.state(donation_id) in {"failed", "expired"}
    assert donating.mails(donation_id) == ["donation_failed"]
    assert [session["status"] for session in stripe.objects("checkout.session")] in ([], ["expired"])
    await donating.sweeper.sweep()
    assert donating.mails(donation_id) == ["donation_failed"]


async def test_after_an_unknown_outcome_the_same_key_goes_on_where_it_broke(
    donating: Donating, stripe: Stripe
) -> None:
    await stripe.fault(CREATE, "timeout_after", times=4)
    with pytest.raises(PaymentUnavailable):
        await donating.give(key="one")
    await stripe.control("faults", clear=True)
    started = await donating.give(key="one")
    assert started.checkout_url is not None
    assert len(stripe.objects("checkout.session")) == 1
    assert donating.rows("select state from donations") == [("pending",)]


async def test_a_young_donation_is_left_alone_by_the_sweeper(donating: Donating, stripe: Stripe) -> None:
    await stripe.fault(CREATE, "timeout_before", times=4)
    with pytest.raises(PaymentUnavailable):
        await donating.give()
    patient = Sweeper(
        database=donating.internal,
        gateway=donating.gateway,
        settlement=donating.settlement,
        receipts=donating.receipts,
        unattached_for=timedelta(minutes=1),
    )
    await patient.sweep()
    assert donating.rows("select state from donations") == [("created",)]


async def test_who_comes_back_reads_the_truth(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()

    async def standing() -> tuple[Standing, str | None]:
        async with donating.public.begin() as session:
            view = await read_by_token(session, started.token)
        told = await ask_standing(donating.gateway, view)
        return told.standing, told.checkout_url

    assert await standing() == (Standing.OPEN, started.checkout_url)
    await stripe.pay(started, "4000000000000002")
    assert await standing() == (Standing.OPEN, started.checkout_url)
    await stripe.pay(started)
    assert await standing() == (Standing.RECORDING, None)
    await stripe.fault("GET /v1/checkout/sessions/{session}", "error_500", times=5)
    assert (await standing())[0] is Standing.UNKNOWN
    await stripe.control("faults", clear=True)
    await donating.sweeper.ask_about_pending()
    assert await standing() == (Standing.CHARGED, None)


async def test_a_page_that_ran_out_is_not_charged(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.control("clock", advance=86_400)
    async with donating.public.begin() as session:
        view = await read_by_token(session, started.token)
    assert (await ask_standing(donating.gateway, view)).standing is Standing.NOT_CHARGED
    await donating.sweeper.sweep()
    assert donating.state(started.id) == "expired"
    assert donating.mails(started.id) == []


@pytest.mark.parametrize("token", ["", "x", "A" * 32, "A" * 31 + "\n", "\ud800" * 32])
async def test_a_token_that_opens_nothing_is_a_link_to_nothing(donating: Donating, token: str) -> None:
    async with donating.public.begin() as session:
        with pytest.raises(AppError, match="donation_not_found"):
            await read_by_token(session, token)


async def test_a_page_that_stripe_forgot_is_nothing_to_pay_and_no_error(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give(key="one")
    await stripe.control("reset")
    again = await donating.give(key="one")
    assert (again.id, again.state, again.checkout_url) == (started.id, "pending", None)
    async with donating.public.begin() as session:
        view = await read_by_token(session, started.token)
    assert (await ask_standing(donating.gateway, view)).standing is Standing.UNKNOWN
    await donating.sweeper.sweep()
    assert donating.state(started.id) == "pending"


async def test_shares_in_force_decide_who_receives(donating: Donating) -> None:
    donating.superuser.execute(
        "insert into beneficiaries (name, charity_number, url) values ('Later Relief', '2', ''), "
        "('Future Relief', '3', '')"
    )
    donating.superuser.execute(
        "insert into allocation_shares (appeal_id, starts_at, beneficiary_id, weight) "
        "select a.id, t.at, b.id, 1 from appeals a, beneficiaries b, (values "
        "('Later Relief', timestamptz '2022-03-03'), ('Example Relief', timestamptz '2022-03-03'), "
        "('Future Relief', now() + interval '1 day')) t (name, at) where b.name = t.name"
    )
    try:
        async with donating.public.begin() as session:
            now = await read_appeal(session, "shelter", datetime.now(UTC))
            before = await read_appeal(session, "shelter", datetime(2022, 3, 2, tzinfo=UTC))
            ahead = await read_appeal(session, "shelter", datetime.now(UTC) + timedelta(days=2))
            never = await read_appeal(session, "shelter", datetime(2020, 1, 1, tzinfo=UTC))
    finally:
        donating.superuser.execute("set session_replication_role = replica")
        donating.superuser.execute("delete from allocation_shares where starts_at > '2022-03-02'")
        donating.superuser.execute("delete from beneficiaries where charity_number in ('2', '3')")
        donating.superuser.execute("reset session_replication_role")
    assert [b.name for b in now.beneficiaries] == ["Example Relief", "Later Relief"]
    assert [b.name for b in before.beneficiaries] == ["Example Relief"]
    assert [b.name for b in ahead.beneficiaries] == ["Future Relief"]
    assert never.beneficiaries == ()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from donations",
        "select id from donations",
        "update donations set state = 'succeeded'",
        "delete from donations",
        "insert into donations (id, state) values (gen_random_uuid(), 'succeeded')",
        "select * from stripe_events",
        "update stripe_events set handled_at = now()",
        "insert into stripe_events (id, handled_at) values ('x', now())",
        "select * from ledger_entries",
        "insert into ledger_postings (cause_kind, cause_id) values ('charge', 'x')",
        "update idempotency_keys set donation_id = gen_random_uuid()",
        "delete from idempotency_keys",
    ],
)
async def test_the_public_login_cannot(donating: Donating, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with donating.public.begin() as session:
            await session.execute(text(statement))
