"""What each sign weighs by itself, and what it is called: staff read both."""

import pytest

from app.petitions.scoring import BLOCKED, DOMAIN, NETWORK, VOUCHED, Counts, Evidence, Score, at_least, score

A_PETITION = Counts(minute=1_000, hour=100_000, day=1_000_000)
"""So much that nobody's share of it weighs anything."""


@pytest.mark.parametrize(
    ("evidence", "points", "reasons"),
    [
        (Evidence(), 0, ()),
        (Evidence(address=Counts(hour=5)), 0, ()),
        (Evidence(address=Counts(hour=7)), 10, ("address",)),
        (Evidence(address=Counts(hour=500)), 30, ("address",)),
        (Evidence(trapped=True), 55, ("trap",)),
        (Evidence(by_form=True), 25, ("form",)),
        (Evidence(by_form=True, form_seconds=1), 45, ("form",)),
        (Evidence(by_form=True, form_seconds=2), 0, ()),
        (Evidence(by_form=True, form_seconds=24 * 3600), 0, ()),
        (Evidence(by_form=True, form_seconds=24 * 3600 + 1), 5, ("form",)),
        (Evidence(form_seconds=1), 0, ()),
        (Evidence(disposable=True), 45, ("disposable",)),
        (Evidence(unworked=True), 60, ("work",)),
        (Evidence(worked=True), 0, ()),
        (Evidence(worked=True, trapped=True), 35, ("trap",)),
        (Evidence(blocked=True), BLOCKED, ("blocked",)),
        (Evidence(allowed=True, blocked=True), VOUCHED, ()),
    ],
)
def test_each_sign_by_itself(evidence: Evidence, points: int, reasons: tuple[str, ...]) -> None:
    assert score(evidence) == Score(points, reasons)


@pytest.mark.parametrize(("kind", "limits"), [("network", NETWORK), ("domain", DOMAIN)])
@pytest.mark.parametrize("window", ["minute", "hour", "day"])
def test_a_rate_weighs_beyond_its_limit_only_and_no_more_than_its_most(
    kind: str, limits: object, window: str
) -> None:
    limit, most = getattr(limits, window), getattr(limits, f"most_{window}")

    def of(count: int) -> Score:
        counts = Counts(**{window: count})
        if kind == "network":
            return score(Evidence(petition=A_PETITION, network=counts))
        return score(Evidence(petition=A_PETITION, domain=counts))

    assert of(limit) == Score(0, ())
    assert of(2 * limit).points >= 20
    assert f"{kind}:{window}" in of(2 * limit).reasons
    assert of(10_000 * limit).points - (30 if window == "hour" else 0) == most


def test_a_share_of_the_petition_weighs_only_beyond_the_limit_of_an_hour() -> None:
    most = score(Evidence(network=Counts(hour=800), petition=Counts(hour=800)))
    half = score(Evidence(network=Counts(hour=800), petition=Counts(hour=1_600)))
    assert (most.points, half.points) == (20 + 30, 20 + 15)
    assert "network:share" in half.reasons
    assert score(Evidence(network=Counts(hour=400), petition=Counts(hour=400))).points == 0
    by_minute = score(Evidence(network=Counts(minute=60, hour=60), petition=Counts(hour=60)))
    assert by_minute.reasons == ("network:minute",)


def test_a_floor_lifts_whoever_lies_below_it() -> None:
    floor = Score(150, ("network:minute",))
    little = Score(45, ("form", "network:minute"))
    assert at_least(little, floor, Evidence()) == Score(150, ("form", "network:minute"))
    assert at_least(little, floor, Evidence(worked=True)) == Score(130, ("form", "network:minute"))
    assert at_least(little, floor, Evidence(allowed=True)) is little
    much = Score(150, ("blocked",))
    assert at_least(much, floor, Evidence()) is much
