"""Figures: medians of rounds, ratios of medians, the machine they come from, and where they are kept."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = "Scalar | Sequence[Json] | Mapping[str, Json]"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a ratio should come to (issue: `make bench`)."""

    ratio: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float | None) -> bool | None:
        """Whether it is; None without a value."""
        if value is None:
            return None
        if self.at_least is not None and value < self.at_least:
            return False
        return not (self.at_most is not None and value > self.at_most)

    @property
    def words(self) -> str:
        """As in a table."""
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass
class Rounds:
    """What each round measured, by the figure's name."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Note one measurement."""
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float | None:
        """The median, or None where nothing was measured."""
        found = self.values.get(name)
        return statistics.median(found) if found else None

    def medians(self) -> dict[str, float]:
        """Every figure's median, rounded to what can be meant."""
        return {name: _rounded(statistics.median(found)) for name, found in self.values.items()}

    def ratio(self, above: str, below: str) -> float | None:
        """One median by another."""
        numerator, denominator = self.median(above), self.median(below)
        if numerator is None or not denominator:
            return None
        return round(numerator / denominator, 3)


@dataclass(frozen=True)
class Report:
    """What a command says: figures, ratios, aims, the machine."""

    what: str
    rounds: Rounds
    ratios: Mapping[str, float | None]
    aims: Sequence[Aim]
    conditions: Mapping[str, Json]

    def as_json(self) -> dict[str, Json]:
        """One flat object for figures and ratios; rounds, aims and machine beside them."""
        return {
            "what": self.what,
            **self.rounds.medians(),
            "ratios": dict(self.ratios),
            "aims": {
                aim.ratio: {"aim": aim.words, "met": aim.met(self.ratios.get(aim.ratio))} for aim in self.aims
            },
            "rounds": {name: [_rounded(v) for v in found] for name, found in self.rounds.values.items()},
            **self.conditions,
        }

    def print(self, console: Console) -> None:
        """Two tables: figures, and ratios beside their aims."""
        figures = Table("figure", "median", "rounds", title=f"haven bench: {self.what}")
        for name, found in self.rounds.values.items():
            each = " ".join(f"{_rounded(v):,}" for v in found)
            figures.add_row(name, f"{_rounded(statistics.median(found)):,}", each)
        console.print(figures)
        if not self.ratios:
            return
        aims = {aim.ratio: aim for aim in self.aims}
        table = Table("ratio", "value", "aim", "met")
        for name, value in self.ratios.items():
            aim = aims.get(name)
            met = aim.met(value) if aim else None
            words = {True: "yes", False: "NO", None: ""}[met]
            table.add_row(name, f"{value:.2f}" if value is not None else "–", aim.words if aim else "", words)
        console.print(table)


def machine(postgresql: str, load: str) -> dict[str, Json]:
    """What the figures depend on, besides Haven."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _line("/proc/cpuinfo", "model name"),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "python": platform.python_version(),
        "postgresql": postgresql,
        "kernel": platform.release(),
        "load_client": load,
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def keep(folder: Path, report: Mapping[str, Json]) -> Path:
    """Write a report down; a second one of the same day stands beside the first."""
    folder.mkdir(parents=True, exist_ok=True)
    day = datetime.now(UTC).date().isoformat()
    number = 1
    while True:
        file = folder / (
            f"{day}-{report['what']}.json" if number == 1 else f"{day}-{report['what']}-{number}.json"
        )
        if not file.exists():
            break
        number += 1
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return file


def _line(file: str, key: str) -> str:
    for line in Path(file).read_text("utf-8").splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return "unknown"


def _rounded(value: float) -> float:
    thousand = 1000
    return round(value) if abs(value) >= thousand else round(value, 2)
