"""`memory`: what a public process holds after a thousand signatures, and after very many."""

from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.gathering import sign_until
from devtools.bench.load import Load
from devtools.bench.options import Options
from devtools.bench.processes import public_processes, resident_bytes, worker_process
from devtools.bench.world import World

FEW = 1_000
AIMS = (Aim("memory_many_to_few", at_most=1.1),)
_MEGABYTE = 1_000_000


def measure(world: World, load: Load, options: Options) -> Report:
    """The largest of the public processes counts."""
    rounds = Rounds()
    with worker_process(world), public_processes(world, options.processes) as pids:
        rounds.add("start_megabytes", _largest(pids))
        rounds.add("signatures_few", sign_until(world, load, FEW))
        rounds.add("few_megabytes", _largest(pids))
        rounds.add("signatures_many", sign_until(world, load, options.signatures))
        rounds.add("many_megabytes", _largest(pids))
    ratios = {"memory_many_to_few": rounds.ratio("many_megabytes", "few_megabytes")}
    return Report("memory", rounds, ratios, AIMS, options.conditions())


def _largest(pids: list[int]) -> float:
    return max(resident_bytes(pid) for pid in pids) / _MEGABYTE
