"""Events settle a donation once, whatever their order, number and company."""

import asyncio
import random
from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.money import Money
from app.donations.errors import PaymentUnavailable
from app.donations.gateway import CheckoutStatus, EventNotice, Payment, RefundStatus
from app.donations.inbox import receive
from app.donations.receipts import Receipts
from app.donations.recording import record_payment
from app.donations.settlement import Settlement
from app.donations.stripe_reading import read_notice
from app.mail.render import render
from app.mail.values import revive
from tests.donations.conftest import Donating, Stripe

RECEIPT = "donation_receipt"


def events_of(stripe: Stripe) -> list[EventNotice]:
    return [read_notice(event) for event in stripe.objects("event")]


async def take(donating: Donating, *notices: EventNotice) -> list[str]:
    """As the webhook does: the used ones are kept, and their ids given."""
    kept = []
    for notice in notices:
        async with donating.public.begin() as session:
            if await receive(session, notice):
                kept.append(notice.id)
    return kept


async def handle(donating: Donating, *notices: EventNotice) -> None:
    for event_id in await take(donating, *notices):
        await donating.settlement.handle_event(event_id)


@pytest.mark.parametrize("amount", [Money(2500, "GBP"), Money(3000, "JPY"), Money(100_50, "UAH")])
async def test_a_paid_donation_is_booked_and_acknowledged(
    donating: Donating, stripe: Stripe, amount: Money
) -> None:
    started = await donating.give(amount, locale="uk")
    await stripe.pay(started)
    await handle(donating, *events_of(stripe))
    assert donating.state(started.id) == "succeeded"
    assert donating.book() == {"clearing": amount.amount_minor, "donations": -amount.amount_minor}
    assert donating.mails(started.id) == [RECEIPT]
    total = donating.row("select currency, raised_minor, refunded_minor, net_minor from appeal_totals")
    assert total == (amount.currency, amount.amount_minor, 0, amount.amount_minor)
    ids = donating.row(
        "select stripe_payment_intent_id is not null, stripe_charge_id is not null, settled_at is not null, "
        "failure_code from donations where id = %s",
        started.id,
    )
    assert ids == (True, True, True, None)


async def test_a_receipt_holds_what_was_given_to_whom_under_which_terms(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give(locale="uk")
    await stripe.pay(started)
    await handle(donating, *events_of(stripe))
    message_id, sealed = donating.row("select message_id, payload_sealed from mails")
    assert isinstance(sealed, bytes)
    payload = donating.opener.open(sealed, UUID(str(message_id)))
    values = payload["values"]
    assert isinstance(values, dict)
    assert (payload["to"], payload["locale"]) == ("ada@example.org", "uk")
    assert values["name"] == "Ada"
    assert values["amount"] == {"amount_minor": 2500, "currency": "GBP"}
    assert values["beneficiaries"] == [{"name": "Example Relief", "charity_number": "123456"}]
    assert values["terms"] == "Wording for donation. (uk)"
    assert values["link"] == f"http://127.0.0.1:8000/donations/{started.token}"


async def test_every_mail_renders(donating: Donating, stripe: Stripe) -> None:
    paid = await donating.give()
    await stripe.pay(paid)
    await handle(donating, *events_of(stripe))
    await stripe.fault("POST /v1/checkout/sessions", "error_500_after")
    with pytest.raises(PaymentUnavailable):
        await donating.give()
    await donating.sweeper.sweep()
    mails = donating.rows("select kind, message_id, payload_sealed from mails order by id")
    assert [kind for kind, *_ in mails] == [RECEIPT, "donation_failed"]
    for kind, message_id, sealed in mails:
        assert isinstance(sealed, bytes)
        values = donating.opener.open(sealed, UUID(str(message_id)))["values"]
        assert isinstance(values, dict)
        rendered = render(str(kind), "en", revive(values))
        assert "£25" in rendered.text


async def test_every_order_of_what_stripe_says_settles_once(donating: Donating, stripe: Stripe) -> None:
    """Five moments of a donation's life, in all 120 orders, each on a donation of its own."""
    started = await donating.give()
    await stripe.pay(started, "4000000000009995")
    session_id = str(stripe.objects("checkout.session")[0]["id"])
    moments = [await donating.gateway.find_payment(session_id)]
    moments.append(replace(moments[0], session_status=CheckoutStatus.EXPIRED))
    paid = await stripe.pay(started)
    moments.append(await donating.gateway.find_payment(session_id))
    for amount in (400, 2100):
        await stripe.refund(paid["payment_intent"], amount)
        moments.append(await donating.gateway.find_payment(paid["payment_intent"]))
    ids = donating.rows(
        "insert into donations (id, appeal_id, amount_minor, currency, wording_id, locale, token_hash, "
        "details_sealed) select gen_random_uuid(), appeal_id, amount_minor, currency, wording_id, locale, "
        "n::text::bytea, null from donations, generate_series(1, 120) n returning id"
    )
    for (donation_id,), order in zip(ids, permutations(moments), strict=True):
        assert isinstance(donation_id, UUID)
        for moment in order:
            payment = as_of(moment, donation_id)
            async with donating.internal.begin() as session:
                await record_payment(session, payment, donating.receipts)
        assert donating.state(donation_id) == "refunded"
    sums = donating.rows(
        "select distinct refunded_minor, failure_code from donations where id <> %s", started.id
    )
    assert sums == [(2500, None)]
    assert donating.row("select count(*) from ledger_postings") == (120 * 3,)
    assert donating.book() == {"clearing": 0, "donations": -2500 * 120, "refunds": 2500 * 120}


def as_of(moment: Payment, donation_id: UUID) -> Payment:
    """The same facts about another donation, with ids of its own."""
    tail = donation_id.hex
    return replace(
        moment,
        donation_id=donation_id,
        session_id=f"cs_{tail}",
        payment_intent_id=f"pi_{tail}",
        charge=moment.charge and replace(moment.charge, id=f"ch_{tail}"),
        refunds=tuple(replace(r, id=f"re_{r.amount_minor}_{tail}") for r in moment.refunds),
    )


async def test_events_delivered_in_any_order_settle_once(donating: Donating, stripe: Stripe) -> None:
    """A decline, a success and two refunds at Stripe, then the webhooks in eight orders."""
    chance = random.Random(7)  # noqa: S311 - a fixed order, not a secret
    for _ in range(8):
        await stripe.control("reset")
        started = await donating.give()
        await stripe.pay(started, "4000000000009995")
        paid = await stripe.pay(started)
        await stripe.refund(paid["payment_intent"], 400)
        await stripe.refund(paid["payment_intent"], 2100)
        notices = events_of(stripe)
        chance.shuffle(notices)
        await handle(donating, *notices)
        assert donating.state(started.id) == "refunded"
        assert donating.mails(started.id) == [RECEIPT]
    assert donating.book() == {"clearing": 0, "donations": -2500 * 8, "refunds": 2500 * 8}


async def test_events_interleaved_with_what_they_tell_settle_once(donating: Donating, stripe: Stripe) -> None:
    """Each event is handled at a random later moment of the donation's life, several times over."""
    chance = random.Random(11)  # noqa: S311 - a fixed order, not a secret
    for _ in range(4):
        await stripe.control("reset")
        started = await donating.give()
        intent = ""
        for step in ("decline", "pay", "refund", "refund"):
            if step == "decline":
                await stripe.pay(started, "4000000000000002")
            elif step == "pay":
                intent = (await stripe.pay(started))["payment_intent"]
            else:
                await stripe.refund(intent, 1250)
            known = events_of(stripe)
            await handle(donating, *chance.choices(known, k=3))
            for notice in chance.choices(known, k=3):
                await donating.settlement.settle_object(notice.object_id)
        await handle(donating, *reversed(events_of(stripe)))
        assert donating.state(started.id) == "refunded"
        assert donating.mails(started.id) == [RECEIPT]
    assert donating.book() == {"clearing": 0, "donations": -10_000, "refunds": 10_000}


async def test_a_thousand_replays_settle_once(
    donating: Donating, stripe: Stripe, receipts_of: Receipts
) -> None:
    """Facts are replayed past Stripe, of every moment of the donation's life, by four workers at once."""
    started = await donating.give()
    moments = [await donating.gateway.find_payment(str(stripe.objects("checkout.session")[0]["id"]))]
    paid = await stripe.pay(started)
    intent = paid["payment_intent"]
    moments.append(await donating.gateway.find_payment(intent))
    await stripe.refund(intent, 500)
    moments.append(await donating.gateway.find_payment(intent))
    await stripe.refund(intent, 700)
    moments.append(await donating.gateway.find_payment(intent))
    notices = await take(donating, *events_of(stripe))
    chance = random.Random(3)  # noqa: S311 - a fixed order, not a secret

    class Replaying:
        async def find_payment(self, _object_id: str) -> Payment:
            return chance.choice(moments)

    replaying = Settlement(
        database=donating.internal,
        gateway=Replaying(),  # type: ignore[arg-type]
        receipts=receipts_of,
    )

    async def worker() -> None:
        for _ in range(250):
            if chance.random() < 0.1:
                await replaying.handle_event(chance.choice(notices))
            else:
                await replaying.settle_object(intent)

    await asyncio.gather(*(worker() for _ in range(4)))
    assert donating.state(started.id) == "partially_refunded"
    assert donating.mails(started.id) == [RECEIPT]
    assert donating.book() == {"clearing": 1300, "donations": -2500, "refunds": 1200}
    assert donating.row("select count(*) from ledger_postings") == (3,)
    assert donating.row("select refunded_minor from donations") == (1200,)


@pytest.fixture
def receipts_of(donating: Donating) -> Receipts:
    return donating.receipts


async def test_two_workers_at_once_settle_once(donating: Donating, stripe: Stripe) -> None:
    for _ in range(5):
        await stripe.control("reset")
        started = await donating.give()
        await stripe.pay(started)
        kept = await take(donating, *events_of(stripe))
        await asyncio.gather(*(donating.settlement.handle_event(e) for e in kept * 3))
        assert donating.mails(started.id) == [RECEIPT]
        assert donating.state(started.id) == "succeeded"
    assert donating.book() == {"clearing": 12_500, "donations": -12_500}


async def test_an_event_is_kept_once_and_never_its_body(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.pay(started, name="Ada Secret")
    notices = events_of(stripe)
    kept = await take(donating, *notices)
    assert await take(donating, *notices) == []
    assert len(donating.rows("select id from stripe_events")) == len(kept)
    jobs = donating.rows("select task_name, args::text from procrastinate_jobs")
    assert {str(args) for _, args in jobs} == {f'{{"event_id": "{event_id}"}}' for event_id in kept}
    assert {name for name, _ in jobs} == {"donations:handle_event"}


async def test_an_event_of_an_unused_type_is_not_kept(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.pay(started)
    unused = [n for n in events_of(stripe) if n.type in {"charge.succeeded", "payment_intent.created"}]
    assert unused
    assert await take(donating, *unused) == []
    assert donating.rows("select id from stripe_events") == []


async def test_a_stripe_that_does_not_answer_leaves_the_event_for_later(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    await stripe.pay(started)
    kept = await take(donating, *events_of(stripe))
    await stripe.fault("*", "error_500", times=20)
    for event_id in kept:
        with pytest.raises(PaymentUnavailable):
            await donating.settlement.handle_event(event_id)
    assert {r for (r,) in donating.rows("select handled_at from stripe_events")} == {None}
    await stripe.control("faults", clear=True)
    donating.superuser.execute("delete from procrastinate_jobs")
    await donating.sweeper.redrive_events()
    await donating.sweeper.redrive_events()
    assert len(donating.rows("select id from procrastinate_jobs")) == len(kept)


async def test_events_that_never_came_are_found(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.pay(started)
    await donating.sweeper.list_lost_events()
    found = {str(i) for (i,) in donating.rows("select id from stripe_events")}
    assert found
    jobs = donating.rows("select id from procrastinate_jobs")
    await donating.sweeper.list_lost_events()
    assert donating.rows("select id from procrastinate_jobs") == jobs
    for event_id in found:
        await donating.settlement.handle_event(event_id)
    assert donating.state(started.id) == "succeeded"


async def test_the_mark_of_what_was_listed_moves_only_over_what_was_read(
    donating: Donating, stripe: Stripe
) -> None:
    await donating.give()
    donating.superuser.execute("update donations set created_at = now() - interval '5 hours'")
    await stripe.fault("GET /v1/events", "error_500", times=20)
    await donating.sweeper.sweep()
    assert donating.rows("select listed_to from stripe_cursors") == []
    await stripe.control("faults", clear=True)
    await donating.sweeper.sweep()
    assert donating.row("select now() - listed_to < interval '1 minute' from stripe_cursors") == (True,)


async def test_a_charge_of_another_amount_is_shown_and_not_booked(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.pay(started)
    donating.superuser.execute("update donations set amount_minor = 2400")
    await handle(donating, *events_of(stripe))
    assert donating.state(started.id) == "pending"
    assert donating.book() == {}
    assert donating.mails(started.id) == []
    assert donating.row("select failure_code from donations") == ("amount_mismatch",)
    assert donating.rows("select tag from audit_entries") == [("settlement:donation:amount_mismatch",)]
    assert {o for (o,) in donating.rows("select outcome from stripe_events")} == {"amount_mismatch"}


async def test_a_second_charge_for_one_donation_is_shown_and_not_booked(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    await handle(donating, *events_of(stripe))
    payment = await donating.gateway.find_payment(paid["payment_intent"])
    assert payment.charge is not None
    twice = replace(payment, charge=replace(payment.charge, id="ch_another"))

    class Another:
        async def find_payment(self, _object_id: str) -> Payment:
            return twice

    settlement = Settlement(
        database=donating.internal,
        gateway=Another(),  # type: ignore[arg-type]
        receipts=donating.receipts,
    )
    assert await settlement.settle_object("pi_x") == "second_charge"
    assert donating.book() == {"clearing": 2500, "donations": -2500}
    assert donating.rows("select tag from audit_entries") == [("settlement:donation:second_charge",)]


async def test_a_payment_of_somebody_else_is_not_ours(donating: Donating, stripe: Stripe) -> None:
    answer = await stripe.http.post(
        "/v1/payment_intents",
        data={"amount": "900", "currency": "gbp", "payment_method": "pm_card_visa", "confirm": "true",
              "automatic_payment_methods[enabled]": "true",
              "automatic_payment_methods[allow_redirects]": "never"},
        headers={"Authorization": "Bearer sk_test_donations"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    await handle(donating, *events_of(stripe))
    assert {o for (o,) in donating.rows("select outcome from stripe_events")} == {"not_ours"}
    assert donating.book() == {}


async def test_an_object_that_stripe_does_not_know_is_said_so(donating: Donating) -> None:
    assert await donating.settlement.settle_object("pi_of_another_account") == "object_missing"
    assert await donating.settlement.settle_object("cs_test_of_another_account") == "object_missing"


async def test_money_for_a_donation_that_had_ended_is_booked_all_the_same(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    await stripe.pay(started)
    donating.superuser.execute("update donations set state = 'expired'")
    await handle(donating, *events_of(stripe))
    assert donating.state(started.id) == "succeeded"
    assert donating.book() == {"clearing": 2500, "donations": -2500}


async def test_a_page_that_ran_out_ends_the_donation_without_a_mail(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    await stripe.pay(started, "4000000000000002")
    await stripe.control("clock", advance=86_400)
    await handle(donating, *reversed(events_of(stripe)))
    assert donating.state(started.id) == "expired"
    assert donating.row("select failure_code from donations") == ("generic_decline",)
    assert donating.mails(started.id) == []
    assert donating.book() == {}


async def test_a_lost_attachment_is_found_again_by_an_event(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    await stripe.pay(started)
    donating.superuser.execute("update donations set stripe_session_id = null, state = 'created'")
    await handle(donating, *events_of(stripe))
    assert donating.state(started.id) == "succeeded"
    assert donating.row("select stripe_session_id is not null from donations") == (True,)


async def test_a_refund_that_failed_comes_home(donating: Donating, stripe: Stripe) -> None:
    started = await donating.give()
    paid = await stripe.pay(started)
    await stripe.refund(paid["payment_intent"], 2500)
    await handle(donating, *events_of(stripe))
    assert donating.book() == {"clearing": 0, "donations": -2500, "refunds": 2500}
    assert donating.state(started.id) == "refunded"
    payment = await donating.gateway.find_payment(paid["payment_intent"])
    failed = replace(payment, refunds=(replace(payment.refunds[0], status=RefundStatus.FAILED),))

    class Failed:
        async def find_payment(self, _object_id: str) -> Payment:
            return failed

    settlement = Settlement(
        database=donating.internal,
        gateway=Failed(),  # type: ignore[arg-type]
        receipts=donating.receipts,
    )
    for _ in range(3):
        await settlement.settle_object("re_x")
    await donating.settlement.settle_object(paid["payment_intent"])
    assert donating.book() == {"clearing": 2500, "donations": -2500, "refunds": 0}
    assert donating.row("select refunded_minor, state from donations") == (0, "succeeded")


async def test_a_donation_whose_mail_cannot_be_opened_is_settled_all_the_same(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    await stripe.pay(started)
    donating.superuser.execute("update donations set details_sealed = null")
    await handle(donating, *events_of(stripe))
    assert donating.state(started.id) == "succeeded"
    assert donating.mails(started.id) == []


async def test_pending_donations_are_asked_about_the_less_often_the_older_they_are(
    donating: Donating, stripe: Stripe
) -> None:
    await donating.give()
    donating.superuser.execute(
        "update donations set created_at = now() - interval '4 hours', "
        "changed_at = now() - interval '59 minutes'"
    )

    async def asked() -> int:
        before = len(stripe.running.simulator.api.calls)
        await donating.sweeper.ask_about_pending()
        return len(stripe.running.simulator.api.calls) - before

    assert await asked() == 0
    donating.superuser.execute("update donations set changed_at = now() - interval '61 minutes'")
    assert await asked() == 1
    assert await asked() == 0


async def test_a_session_that_exists_though_nobody_knew_is_closed_and_said_so(
    donating: Donating, stripe: Stripe
) -> None:
    started = await donating.give()
    donating.superuser.execute("update donations set stripe_session_id = null, state = 'created'")
    await donating.sweeper.resolve_unattached()
    assert [s["status"] for s in stripe.objects("checkout.session")] == ["expired"]
    assert donating.state(started.id) == "expired"
    assert donating.mails(started.id) == ["donation_failed"]


async def test_nothing_is_held_open_while_stripe_is_asked(donating: Donating, stripe: Stripe) -> None:
    await stripe.fault("POST /v1/checkout/sessions", "delay", seconds=0.5)
    giving = asyncio.create_task(donating.give())
    await asyncio.sleep(0.3)
    query = text("select count(*) from pg_stat_activity where usename = 'haven_public' and state <> 'idle'")
    (busy,) = donating.superuser.execute(str(query).encode()).fetchone() or (None,)
    assert busy == 0
    assert donating.public.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await giving
