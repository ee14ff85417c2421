"""The score: no sign decides alone, more signs never weigh less, crowds count and bots do not."""

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from app.petitions.scoring import BLOCKED, THRESHOLD, VOUCHED, Counts, Evidence, score
from tests.petitions.crowds import BOTS, CROWDS, simulate

counts = st.builds(lambda m, h, d: Counts(m, m + h, m + h + d), *(st.integers(0, 100_000) for _ in range(3)))
evidence = st.builds(
    Evidence,
    network=counts,
    domain=counts,
    petition=counts,
    address=counts,
    by_form=st.booleans(),
    form_seconds=st.none() | st.integers(0, 10**6),
    trapped=st.booleans(),
    disposable=st.booleans(),
    worked=st.booleans(),
)
MANY = Counts(10**6, 10**6, 10**6)
SIGNS = {
    "trap": Evidence(trapped=True),
    "no token": Evidence(by_form=True),
    "at once": Evidence(by_form=True, form_seconds=0),
    "old": Evidence(by_form=True, form_seconds=10**6),
    "disposable": Evidence(disposable=True),
    "an address again and again": Evidence(address=MANY),
    "a burst of a network": Evidence(network=Counts(minute=10**6)),
    "a burst of a domain": Evidence(domain=Counts(minute=10**6)),
    "a network all day": Evidence(network=Counts(day=10**6)),
    "a domain all day": Evidence(domain=Counts(day=10**6)),
    "a network's hour": Evidence(network=Counts(hour=10**6), petition=MANY),
    "a domain's hour": Evidence(domain=Counts(hour=10**6), petition=MANY),
}


def test_no_sign_alone_is_a_verdict() -> None:
    weights = {name: score(sign).points for name, sign in SIGNS.items()}
    assert all(0 < points < THRESHOLD for points in weights.values()), weights


@given(evidence)
def test_points_are_never_below_nothing_and_always_explained(given_: Evidence) -> None:
    found = score(given_)
    assert found.points >= 0
    assert bool(found.reasons) >= (found.points > 0)
    assert found.confirming_releases or found.is_quarantined


@given(evidence, st.sampled_from(["network", "domain", "address"]), counts)
def test_more_from_one_place_never_weighs_less(given_: Evidence, name: str, more: Counts) -> None:
    before = getattr(given_, name)
    after = Counts(*(getattr(before, f.name) + getattr(more, f.name) for f in fields(Counts)))
    worse = replace(given_, **{name: after})  # type: ignore[arg-type]  # one of the three that are counts
    assert score(worse).points >= score(given_).points


@given(evidence)
def test_each_further_sign_never_weighs_less(given_: Evidence) -> None:
    for worse in ({"trapped": True}, {"disposable": True}, {"worked": False}):
        assert score(replace(given_, **worse)).points >= score(given_).points  # type: ignore[arg-type]


@given(evidence)
def test_staff_have_the_last_word(given_: Evidence) -> None:
    blocked = score(replace(given_, blocked=True))
    assert blocked.is_quarantined
    assert not blocked.confirming_releases
    assert score(replace(given_, blocked=True, allowed=True)).points == VOUCHED
    assert blocked.points >= BLOCKED - 20


def test_every_crowd_counts() -> None:
    for crowd in CROWDS:
        result = simulate(crowd)
        assert result.counted == result.people, crowd.name


def test_bots_that_confirm_are_held_where_they_can_be_told() -> None:
    shares = {bot.name: simulate(bot).counted_share for bot in BOTS}
    for name, most in BOTS_HELD.items():
        assert shares[name] <= most, (name, shares[name])


BOTS_HELD = {
    "one network, 10,000 in ten minutes": 0.35,
    "one domain on fifty networks, 10,000 in ten minutes": 0.45,
    "one network and domain, 10,000 in five hours": 0.65,
    "disposable addresses on fifty networks, no token": 0.01,
}
"""The most that may count although every one of them opens its mail at once."""
