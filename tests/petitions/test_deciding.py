"""Who is new, who was here before, who is one too many: for any row of letters to one mailbox."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.petitions.deciding import MOST_PEOPLE, PATIENCE, Decision, Person, decide, idle

Letter = tuple[bytes, str, bytes | None]

NAMES = st.sampled_from([b"suzie", b"tom", b"una"])
PLACES = st.sampled_from([("GB", b"N1"), ("GB", b"E8"), ("GB", None), ("FR", None)])
LETTERS = st.lists(st.tuples(NAMES, PLACES).map(lambda x: (x[0], *x[1])), max_size=12)
AT = datetime(2026, 3, 9, tzinfo=UTC)


def person(number: int, name: bytes, country: str = "GB", place: bytes | None = b"N1") -> Person:
    return Person(uuid4(), number, "pending", 1, AT, AT, name, country, place)


def signed(letters: list[Letter]) -> tuple[list[Person], list[Decision]]:
    """The people after these letters, one after the other."""
    people: list[Person] = []
    decisions = []
    for name, country, place in letters:
        verdict = decide(people, name, country, place)
        decisions.append(verdict.decision)
        if verdict.decision is Decision.NEW:
            assert verdict.standing is None
            people.append(person(verdict.number, name, country, place))
        else:
            assert verdict.standing in people
    return people, decisions


@given(LETTERS)
def test_never_more_than_two_never_the_same_twice(letters: list[Letter]) -> None:
    people, decisions = signed(letters)
    assert len(people) <= MOST_PEOPLE
    assert len({p.name_hash for p in people}) == len(people)
    assert sorted(p.number for p in people) == list(range(1, len(people) + 1))
    assert decisions.count(Decision.NEW) == len(people)
    assert bool(letters) is bool(people), "the first always signs"


@given(LETTERS)
def test_a_repeat_changes_nothing(letters: list[Letter]) -> None:
    people, _ = signed(letters)
    again, decisions = signed([*letters, *letters])
    assert len(again) == len(people)
    assert Decision.NEW not in decisions[len(letters) :]


@given(st.lists(NAMES, max_size=5), st.sampled_from([("GB", b"N1"), ("GB", None), ("FR", None)]))
def test_in_one_place_the_order_does_not_change_the_count(
    names: list[bytes], place: tuple[str, bytes | None]
) -> None:
    counts = {len(signed([(name, *place) for name in order])[0]) for order in set(permutations(names))}
    assert counts == {min(len(set(names)), MOST_PEOPLE)}


@pytest.mark.parametrize(
    ("country", "place", "decision"),
    [
        ("GB", b"N1", Decision.NEW),
        ("GB", b"E8", Decision.NEW),
        ("GB", None, Decision.NEW),
        ("FR", None, Decision.FULL),
        ("FR", b"N1", Decision.NEW),
    ],
)
def test_a_second_person_lives_in_the_same_place(
    country: str, place: bytes | None, decision: Decision
) -> None:
    # "The same postcode or country": a hash of a place holds its country too, so one of the two is enough.
    assert decide([person(1, b"suzie")], b"tom", country, place).decision is decision


def test_the_number_of_one_who_left_is_free() -> None:
    verdict = decide([person(2, b"tom")], b"una", "GB", b"N1")
    assert (verdict.decision, verdict.number) == (Decision.NEW, 1)


def test_one_too_many_is_told_to_the_first_signer() -> None:
    people = [person(1, b"suzie"), person(2, b"tom")]
    verdict = decide(people, b"una", "GB", b"N1")
    assert (verdict.decision, verdict.standing) == (Decision.FULL, people[0])


def test_who_has_not_confirmed_within_the_hour_gives_way() -> None:
    fresh, old = person(1, b"suzie"), person(2, b"tom")
    confirmed = replace(old, state="confirmed")
    assert idle([fresh, old, confirmed], AT + PATIENCE) == [fresh, old]
    assert idle([fresh, old, confirmed], AT + PATIENCE - timedelta(seconds=1)) == []


def test_what_is_decided_is_said() -> None:
    suzie = person(1, b"suzie", "GB", None)
    again = decide([suzie], b"suzie", "FR", None)
    assert (again.decision, again.standing) == (Decision.DUPLICATE, suzie)


def test_two_without_a_postcode_in_two_countries_live_in_two_places() -> None:
    assert decide([person(1, b"suzie", "GB", None)], b"tom", "FR", None).decision is Decision.FULL
