"""What a measurement was asked for."""

import os
from dataclasses import dataclass

from devtools.bench.figures import Json
from devtools.bench.world import CONSOLE


@dataclass(frozen=True, slots=True)
class Options:
    """The command line.

    Attributes:
        signatures: How many there are before the measurement begins, or how many it makes.
        processes: Public processes, and as many of each server they are compared with.
    """

    seconds: float
    rounds: int
    processes: int
    signatures: int

    def conditions(self) -> dict[str, Json]:
        """For the record."""
        return {
            "seconds": self.seconds,
            "rounds_asked": self.rounds,
            "processes": self.processes,
            "signatures_before": self.signatures,
        }


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def said(text: str) -> None:
    """Say how far it is."""
    CONSOLE.print(text, style="dim")
