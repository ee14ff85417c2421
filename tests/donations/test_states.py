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
from app.donations.states import RANKS, UNPAID, advance, charged_state, is_settled, seen_state

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REFUNDING = {"succeeded", "partially_refunded", "refunded"}
states = st.sampled_from(STATES)


def end(news: list[str]) -> str:
    state = "created"
    for seen in news:
        state = advance(state, seen) or state
    return state


def test_the_ladder_names_every_state_and_only_refunds_share_a_rung() -> None:
    assert sorted(RANKS) == sorted(STATES)
    shared = {state for state in STATES if list(RANKS.values()).count(RANKS[state]) > 1}
    assert shared == REFUNDING


@given(st.lists(states, max_size=12), st.randoms())
def test_order_and_repetition_change_no_rung(news: list[str], random: object) -> None:
    shuffled = news * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert RANKS[end(shuffled)] == RANKS[end(news)] == max(map(RANKS.__getitem__, ["created", *news]))


@given(st.lists(states, max_size=12))
def test_a_donation_never_goes_down(news: list[str]) -> None:
    state = "created"
    for seen in news:
        following = advance(state, seen)
        if following is not None:
            assert RANKS[following] > RANKS[state] or {state, following} <= REFUNDING
            state = following
    assert advance(state, state) is None


class Book:
    """What the ledger keeps of refunds: each once, and each failure once, of those that it holds."""

    def __init__(self) -> None:
        self.back: dict[int, int] = {}
        self.home: set[int] = set()

    def hear(self, refund: int, amount: int, *, failed: bool) -> str:
        if not failed:
            self.back.setdefault(refund, amount)
        elif refund in self.back:
            self.home.add(refund)
        return charged_state(1000, sum(a for r, a in self.back.items() if r not in self.home))


@given(st.lists(st.tuples(st.integers(1, 250), st.booleans()), min_size=1, max_size=4), st.randoms())
def test_a_refund_that_fails_leaves_the_true_state_in_any_order(
    refunds: list[tuple[int, bool]], random: object
) -> None:
    """Refunds with their amounts and whether they failed in the end; late news are heard twice over."""
    news = [(i, amount, False) for i, (amount, _) in enumerate(refunds)]
    news += [(i, amount, True) for i, (amount, fails) in enumerate(refunds) if fails]
    shuffled = news * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    book, state = Book(), "pending"
    # Stripe is asked anew each time, so that the last to be heard is how things stand.
    for refund_id, amount, failed in [*shuffled, *news]:
        seen = book.hear(refund_id, amount, failed=failed)
        state = advance(state, seen) or state
        assert state == seen
        assert is_settled(state)
    assert state == charged_state(1000, sum(amount for amount, fails in refunds if not fails))


@given(st.sampled_from(sorted(REFUNDING)), states)
def test_refunds_come_and_go_above_nothing_but_each_other(state: str, seen: str) -> None:
    after = advance(state, seen) or state
    assert is_settled(after)
    assert (after == seen) == (RANKS[seen] >= RANKS[state])


@given(st.sampled_from(sorted(UNPAID)))
def test_money_that_arrives_outranks_every_way_of_not_paying(unpaid: str) -> None:
    assert advance(unpaid, "succeeded") == "succeeded"
    assert advance("succeeded", unpaid) is None


def test_all_orders_of_a_life_end_charged() -> None:
    life = ["pending", "failed", "expired", "succeeded", "created"]
    assert {end(list(order)) for order in permutations(life)} == {"succeeded"}


@pytest.mark.parametrize(
    ("refunded", "state"),
    [(0, "succeeded"), (1, "partially_refunded"), (999, "partially_refunded"), (1000, "refunded")],
)
def test_a_charged_state_says_how_much_is_back(refunded: int, state: str) -> None:
    assert charged_state(1000, refunded) == state


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
