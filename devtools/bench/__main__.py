"""`python -m devtools.bench`: measure, print a table or JSON, keep the result."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from devtools.bench import breakdowns, confirming, disk, memory, reading, servers, signing
from devtools.bench.figures import Json, Report, keep, machine
from devtools.bench.load import Load
from devtools.bench.neighbours import Neighbours
from devtools.bench.options import Options, cores, said
from devtools.bench.pgbench import version
from devtools.bench.processes import ROOT, CannotMeasure
from devtools.bench.signers import draw_profiles
from devtools.bench.world import World, make_world

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Command:
    """One measurement with what it takes when nothing is said."""

    measure: Callable[[World, Load, Options], Report]
    seconds: float
    rounds: int
    signatures: int
    is_of_all: bool = True
    """Whether `all` measures it too."""
    shares: bool = False
    """Whether it can be measured on a database that another one of this kind has filled and used."""


COMMANDS: Mapping[str, Command] = {
    "signing": Command(signing.measure, 4, 5, 0, shares=True),
    "confirming": Command(confirming.measure, 4, 5, 0, shares=True),
    "reading": Command(reading.measure, 3, 5, 0, shares=True),
    "breakdowns": Command(breakdowns.measure, 2, 5, 5_000_000),
    "disk": Command(disk.measure, 0, 1, 25_000),
    "memory": Command(memory.measure, 0, 1, 20_000),
    "servers": Command(servers.measure, 4, 5, 0, is_of_all=False),
}


def main() -> int:
    """Measure what was asked for; 1 when something could not be measured, or something was lost."""
    asked = _parser().parse_args()
    names = list(dict.fromkeys(asked.what))
    if "all" in names:
        names = [name for name, command in COMMANDS.items() if command.is_of_all]
    # Filling takes longer than measuring once there are millions: those who can, share one database. What
    # signing is compared with moves the counter alone, and confirming looks whether all figures agree.
    together = [name for name in names if asked.signatures and COMMANDS[name].shares]
    together.sort(key=lambda name: name == "signing")
    for group in filter(None, [together, *([name] for name in names if name not in together)]):
        with make_world() as world:
            for name in group:
                try:
                    report = run(name, asked, world)
                except CannotMeasure as error:
                    sys.stderr.write(f"{name}: {error}\n")
                    return 1
                if asked.results:
                    said(f"kept in {keep(asked.results, report)}")
                if asked.json:
                    print(json.dumps(report, ensure_ascii=False))
    return 0


def run(name: str, asked: argparse.Namespace, world: World) -> dict[str, Json]:
    """One measurement."""
    command = COMMANDS[name]
    options = Options(
        seconds=command.seconds if asked.seconds is None else asked.seconds,
        rounds=command.rounds if asked.rounds is None else asked.rounds,
        processes=asked.processes,
        signatures=command.signatures if asked.signatures is None else asked.signatures,
    )
    began = time.monotonic()
    load = Load(world.folder, draw_profiles())
    before = machine(version(world.binaries), load.name)
    neighbours = Neighbours()
    report = command.measure(world, load, options)
    after: dict[str, Json] = {
        "load_average_after": [round(value, 2) for value in os.getloadavg()],
        "others_used_of_machine": neighbours.share(),
    }
    if not asked.json:
        report.print(Console())
    took: dict[str, Json] = {"took_seconds": round(time.monotonic() - began, 1)}
    return report.as_json() | {"machine": before | after} | took


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devtools.bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="+",
        choices=[*COMMANDS, "all"],
        metavar="what",
        help=f"{', '.join(COMMANDS)}, or all; several share one filled database where they can",
    )
    parser.add_argument("--seconds", type=float, help="how long each run of the load takes")
    parser.add_argument("--rounds", type=int, help="how often everything is measured; the median counts")
    parser.add_argument("--processes", type=int, default=cores(), help="public processes (one per core)")
    parser.add_argument(
        "--signatures",
        type=int,
        help="signing, confirming, reading: how many are there before; breakdowns, disk, memory: how many",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that results are kept in")
    parser.add_argument("--no-results", dest="results", action="store_const", const=None, help="keep nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
