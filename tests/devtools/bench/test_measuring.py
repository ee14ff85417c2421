"""Every command measures for real, if shortly: its figures are there, and none is nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError

import pytest

from devtools.bench import breakdowns, disk, memory, reading, servers, signing
from devtools.bench.figures import Report
from devtools.bench.load import Load
from devtools.bench.options import Options
from devtools.bench.processes import ROOT, CannotMeasure
from devtools.bench.signers import draw_profiles
from devtools.bench.world import World, make_world
from tests.requiring import require

SHORT = Options(seconds=0.1, rounds=1, processes=1, signatures=0)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with make_world() as made:
        yield made


@pytest.fixture
def load(world: World) -> Load:
    # wrk counts in whole seconds; Haven's own client does not, and so is tried here too.
    return Load(world.folder, draw_profiles(50), own_client=True)


def _positive(report: Report, *names: str) -> dict[str, float]:
    said = json.loads(json.dumps(report.as_json()))
    for name in names:
        assert said[name] > 0, (name, said)
    return dict(said["ratios"])


def test_signing(world: World, load: Load) -> None:
    report = signing.measure(world, load, SHORT)
    ratios = _positive(
        report,
        "accepted_per_second",
        "surge_per_second",
        "plain_per_second",
        "plain_one_process_per_second",
        "pgbench_per_second",
        "pgbench_without_tally_per_second",
        "no_database_per_second",
        "validation_only_per_second",
        "accepted_p99_ms",
        "half_rate_p99_ms",
        "plain_half_rate_p50_ms",
        "idle_p50_ms",
        "letterbox_bytes_after",
        "letterbox_index_bytes_after",
    )
    assert report.as_json()["letterbox_dead_rows_after"] is not None
    assert report.as_json()["resolved_per_second"] is not None
    assert set(ratios) == set(signing.RATIOS)
    assert set(report.as_json()["aims"]) <= set(ratios)  # type: ignore[arg-type]  # a mapping
    figures = report.rounds.medians()
    expected = figures["accepted_per_second"] / figures["plain_per_second"]
    assert ratios["accepted_to_plain"] == pytest.approx(expected, rel=0.01)
    assert ratios["accepted_to_pgbench"] == pytest.approx(
        figures["accepted_per_second"] / figures["pgbench_per_second"], rel=0.01
    )


def test_breakdowns(world: World, load: Load) -> None:
    report = breakdowns.measure(world, load, Options(seconds=0.1, rounds=1, processes=1, signatures=100_000))
    ratios = _positive(report, "day_few_p50_ms", "day_many_p50_ms", "country_few_p50_ms", "tally_rows_many")
    figures = report.rounds
    assert ratios["country_many_to_few"] == figures.ratio("country_many_p50_ms", "country_few_p50_ms")
    assert ratios["day_many_to_few"] > 0


def test_reading(world: World, load: Load) -> None:
    ratios = _positive(
        reading.measure(world, load, SHORT),
        "count_per_second",
        "petition_per_second",
        "page_per_second",
        "constant_per_second",
        "count_share_of_304",
        "count_held_per_second",
    )
    assert ratios["count_to_constant"] > 0
    assert ratios["petition_to_constant"] > 0


def test_servers(world: World, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where granian is not installed, Haven's own processes stand in its place."""
    monkeypatch.setattr(servers, "granian_processes", lambda world, _count: nullcontext(world.origin))
    monkeypatch.setattr(servers, "versions", dict)
    report = servers.measure(world, load, SHORT)
    names = [f"{server}_{name}_per_second" for server in ("uvicorn", "granian") for name in servers.FIGURES]
    ratios = _positive(report, *names)
    assert ratios["uvicorn_to_granian_page"] == report.rounds.ratio(
        "uvicorn_page_per_second", "granian_page_per_second"
    )


def test_without_granian_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        if name == "granian":
            raise PackageNotFoundError
        return "1"

    monkeypatch.setattr(servers, "version", missing)
    with pytest.raises(CannotMeasure, match="pip install"):
        servers.versions()


def test_tallies_are_those_of_so_many_signatures(world: World) -> None:
    few = breakdowns.fill(world, "bench-some", 50_000)
    assert few < breakdowns.fill(world, "bench-more", 500_000)
    for slug, wanted in (("bench-some", 50_000), ("bench-more", 500_000)):
        counted = world.number(
            "select sum(confirmed) from tallies t join petitions p on p.id = t.petition_id "
            "where p.slug = %s and dimension = 'all'",
            slug,
        )
        assert counted == pytest.approx(wanted, rel=0.05)


def test_memory_and_disk(world: World, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Options(seconds=0, rounds=1, processes=1, signatures=30)
    monkeypatch.setattr(memory, "FEW", 10)
    world.owner.execute("truncate tallies")
    ratios = _positive(memory.measure(world, load, few), "few_megabytes", "many_megabytes")
    assert 0.5 < ratios["memory_many_to_few"] < 2
    world.owner.execute("truncate tallies, signatures, published_signers, petition_counts")
    ratios = _positive(disk.measure(world, load, few), "bytes_in_signatures", "compact_bytes_in_signatures")
    assert ratios["bytes_per_confirmed_signature"] > 200


def test_the_command_prints_one_json_object(tmp_path_factory: pytest.TempPathFactory) -> None:
    require(shutil.which("wrk") is not None, "wrk")
    results = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "devtools.bench", "confirming", "--json", "--seconds", "1"]
    command += ["--rounds", "1", "--processes", "1", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    said = json.loads(done.stdout)
    assert said["what"] == "confirming"
    assert said["ratios"]["confirmed_to_plain"] == pytest.approx(
        said["confirmed_per_second"] / said["plain_per_second"], rel=0.01
    )
    assert said["aims"]["confirmed_to_plain"]["aim"] == "≥ 8"
    assert said["confirmed_p99_ms"] > 0
    assert said["machine"]["cores"] > 0
    assert said["machine"]["load_client"] == "wrk"
    assert "PostgreSQL" in said["machine"]["postgresql"]
    assert 0 <= said["machine"]["others_used_of_machine"] <= 1
    (kept,) = results.iterdir()
    assert json.loads(kept.read_text("utf-8")) == said
