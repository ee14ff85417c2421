"""Medians, ratios and aims, and what goes into the files."""

import json
import os
from pathlib import Path

from devtools.bench.figures import Aim, Report, Rounds, keep
from devtools.bench.neighbours import Neighbours


def _rounds(**values: list[float]) -> Rounds:
    return Rounds(dict(values))


def test_a_ratio_is_of_medians_not_of_means() -> None:
    rounds = _rounds(fast=[10.0, 9000.0, 12.0, 14.0, 11.0], slow=[4.0, 3.0, 1.0, 4000.0, 2.0])
    assert rounds.median("fast") == 12.0
    assert rounds.ratio("fast", "slow") == 4.0


def test_no_ratio_without_both_values_or_by_nothing() -> None:
    rounds = _rounds(fast=[10.0], nothing=[0.0])
    assert rounds.ratio("fast", "slow") is None
    assert rounds.ratio("slow", "fast") is None
    assert rounds.ratio("fast", "nothing") is None


def test_an_aim_is_met_from_its_bound_on() -> None:
    assert Aim("r", at_least=9).met(9.0) is True
    assert Aim("r", at_least=9).met(8.999) is False
    assert Aim("r", at_most=2).met(2.0) is True
    assert Aim("r", at_most=2).met(2.001) is False
    assert Aim("r", at_most=2).met(None) is None


def test_a_report_has_figures_ratios_aims_and_rounds() -> None:
    rounds = _rounds(accepted_per_second=[30.0, 10.0, 20.0])
    report = Report("signing", rounds, {"a": 2.0, "b": None}, [Aim("a", at_least=3)], {"seconds": 1})
    said = report.as_json()
    assert said["accepted_per_second"] == 20.0
    assert said["ratios"] == {"a": 2.0, "b": None}
    assert said["aims"] == {"a": {"aim": "≥ 3", "met": False}}
    assert said["rounds"] == {"accepted_per_second": [30.0, 10.0, 20.0]}


def test_results_of_one_day_stand_beside_each_other(tmp_path: Path) -> None:
    first = keep(tmp_path / "results", {"what": "signing", "x": 1})
    second = keep(tmp_path / "results", {"what": "signing", "x": 2})
    assert first != second
    assert json.loads(first.read_text("utf-8"))["x"] == 1
    assert json.loads(second.read_text("utf-8"))["x"] == 2


def test_our_own_work_is_not_the_neighbours() -> None:
    neighbours = Neighbours()
    began = os.times()
    while os.times().user - began.user < 0.3:
        pass
    ours = (os.times().user - began.user) / (os.times().elapsed - began.elapsed) / (os.cpu_count() or 1)
    # Whatever else runs here, what we burnt ourselves is not in it.
    assert 0 <= neighbours.share() <= 1 - ours + 0.1
