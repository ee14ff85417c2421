"""Who else used the machine meanwhile: figures of a shared machine must say so."""

import os
import time
from collections import defaultdict
from pathlib import Path

_BUSY = (0, 1, 2, 5, 6)
"""user, nice, system, irq, softirq: the fields of /proc/stat that are work."""


class Neighbours:
    """Compares what the machine worked with what this process and all below it worked."""

    def __init__(self) -> None:
        self._all, self._ours, self._began = _all_ticks(), _our_ticks(), time.monotonic()

    def share(self) -> float:
        """How much of all cores' time went to others since this was made, from 0 to 1."""
        others = (_all_ticks() - self._all) - (_our_ticks() - self._ours)
        possible = (time.monotonic() - self._began) * os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
        return round(max(0.0, others / possible), 3) if possible else 0.0


def _all_ticks() -> int:
    fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:]
    return sum(int(fields[number]) for number in _BUSY)


def _our_ticks() -> int:
    """Of every living process below this one, and of those that they have buried."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        pid = int(folder.name)
        ticks[pid] = sum(int(field) for field in fields[11:15])
        children[int(fields[1])].append(pid)
    total, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += ticks.get(pid, 0)
        waiting += children[pid]
    return total
