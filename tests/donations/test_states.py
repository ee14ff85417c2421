"""Whatever order the news come in, a donation ends in the same state."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.donations.gateway import (
    Charge,
    CheckoutStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from app.donations.models import STATES
from app.donations.states import RANKS, UNPAID, advance, is_settled, seen_state

NOW = datetime(2026, 3, 2, tzinfo=UTC)
states = st.sampled_from(STATES)


def end(news: list[str]) -> str:
    state = "created"
    for seen in news:
        state = advance(state, seen) or state
    return state


def test_the_ladder_names_every_state_once() -> None:
    assert sorted(RANKS) == sorted(STATES)
    assert len(set(RANKS.values())) == len(RANKS)


@given(st.lists(states, max_size=12), st.randoms())
def test_order_and_repetition_change_nothing(news: list[str], random: object) -> None:
    shuffled = news * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert end(shuffled) == end(news)


@given(st.lists(states, max_size=12))
def test_a_donation_only_climbs(news: list[str]) -> None:
    state = "created"
    for seen in news:
        following = advance(state, seen)
        if following is not None:
            assert RANKS[following] > RANKS[state]
            state = following
    assert advance(state, state) is None


@given(st.sampled_from(sorted(UNPAID)))
def test_money_that_arrives_outranks_every_way_of_not_paying(unpaid: str) -> None:
    assert advance(unpaid, "succeeded") == "succeeded"
    assert advance("succeeded", unpaid) is None


def test_all_orders_of_a_life_with_refunds_end_refunded() -> None:
    life = ["pending", "failed", "expired", "succeeded", "partially_refunded", "refunded"]
    assert {end(list(order)) for order in permutations(life)} == {"refunded"}


def test_settled_is_what_took_money() -> None:
    assert {state for state in STATES if not is_settled(state)} == {
        "created",
        "pending",
        "failed",
        "canceled",
        "expired",
    }


CHARGE = Charge("ch_1", 1000, "GBP", NOW)


def refund(amount: int, status: RefundStatus = RefundStatus.SUCCEEDED) -> Refund:
    return Refund(f"re_{amount}", amount, "GBP", status, NOW)


@pytest.mark.parametrize(
    ("payment", "state"),
    [
        (Payment(None, PaymentStatus.AWAITED, session_status=CheckoutStatus.OPEN), "pending"),
        (
            Payment(
                None, PaymentStatus.AWAITED, session_status=CheckoutStatus.OPEN, failure_code="expired_card"
            ),
            "pending",
        ),
        (Payment(None, PaymentStatus.AWAITED, session_status=CheckoutStatus.EXPIRED), "expired"),
        (Payment(None, PaymentStatus.CANCELED, session_status=CheckoutStatus.EXPIRED), "expired"),
        (Payment(None, PaymentStatus.CANCELED), "canceled"),
        (Payment(None, PaymentStatus.PROCESSING, session_status=CheckoutStatus.COMPLETE), "pending"),
        (
            Payment(
                None, PaymentStatus.AWAITED, session_status=CheckoutStatus.COMPLETE, failure_code="declined"
            ),
            "failed",
        ),
        (Payment(None, PaymentStatus.SUCCEEDED, charge=CHARGE), "succeeded"),
        (
            Payment(None, PaymentStatus.SUCCEEDED, session_status=CheckoutStatus.EXPIRED, charge=CHARGE),
            "succeeded",
        ),
        (
            Payment(None, PaymentStatus.SUCCEEDED, charge=CHARGE, refunds=(refund(400),)),
            "partially_refunded",
        ),
        (
            Payment(None, PaymentStatus.SUCCEEDED, charge=CHARGE, refunds=(refund(400), refund(600))),
            "refunded",
        ),
        (
            Payment(
                None,
                PaymentStatus.SUCCEEDED,
                charge=CHARGE,
                refunds=(refund(1000, RefundStatus.PENDING), refund(999, RefundStatus.FAILED)),
            ),
            "succeeded",
        ),
    ],
)
def test_what_stripe_says_amounts_to_a_state(payment: Payment, state: str) -> None:
    assert seen_state(payment) == state
