"""`signing`: accepted and resolved signatures a second, beside simpler servers and bare SQL."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from devtools.bench import pgbench
from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.load import Load, Result
from devtools.bench.options import Options, said
from devtools.bench.processes import (
    CannotMeasure,
    comparison_processes,
    paused,
    public_processes,
    worker_process,
)
from devtools.bench.world import World
from devtools.run.child import Child

AIMS = (
    Aim("accepted_to_plain", at_least=9),
    Aim("resolved_to_plain", at_least=7),
    Aim("accepted_to_pgbench", at_least=3),
    Aim("surge_to_no_database", at_least=0.8),
    Aim("half_rate_p99_to_plain_p50", at_most=2),
)
RATIOS = {
    "accepted_to_plain": ("accepted_per_second", "plain_per_second"),
    "resolved_to_plain": ("resolved_per_second", "plain_per_second"),
    "accepted_to_plain_one_process": ("accepted_per_second", "plain_one_process_per_second"),
    "resolved_to_plain_one_process": ("resolved_per_second", "plain_one_process_per_second"),
    "accepted_to_pgbench": ("accepted_per_second", "pgbench_per_second"),
    "resolved_to_pgbench": ("resolved_per_second", "pgbench_per_second"),
    "accepted_to_pgbench_without_tally": ("accepted_per_second", "pgbench_without_tally_per_second"),
    "resolved_to_pgbench_without_tally": ("resolved_per_second", "pgbench_without_tally_per_second"),
    "surge_to_no_database": ("surge_per_second", "no_database_per_second"),
    "accepted_to_no_database": ("accepted_per_second", "no_database_per_second"),
    "resolved_to_no_database": ("resolved_per_second", "no_database_per_second"),
    "accepted_to_validation_only": ("accepted_per_second", "validation_only_per_second"),
    "resolved_to_validation_only": ("resolved_per_second", "validation_only_per_second"),
    "half_rate_p99_to_plain_p50": ("half_rate_p99_ms", "plain_p50_ms"),
    "half_rate_p99_to_plain_half_rate_p50": ("half_rate_p99_ms", "plain_half_rate_p50_ms"),
    "idle_p50_to_plain": ("idle_p50_ms", "plain_idle_p50_ms"),
}
_LETTERS = "select count(*) from intake"
# One statement, so one moment. Reading all signatures takes longer than a round once there are millions;
# tallies hold the same number.
_STOCK = """
    select (select count(*) from intake), (select sum(signed) from tallies where dimension = 'all'),
           (select count(*) from intake_rejected)
"""
_LETTERBOX = """
    select pg_total_relation_size('intake'), pg_indexes_size('intake'),
           pg_stat_get_dead_tuples('intake'::regclass)
"""
_SENT = "select count(*) from mails where state = 'sent'"
_WAITING_MAILS = "select count(*) from mails where state in ('queued', 'sending')"


@dataclass(frozen=True, slots=True)
class Stock:
    """What the database holds at one moment."""

    letters: int
    signatures: int
    rejected: int

    @property
    def rows(self) -> int:
        """Everything that was ever acknowledged, unless it was lost."""
        return self.letters + self.signatures + self.rejected


def look(world: World) -> Stock:
    """Count letters, signatures and what was rejected."""
    row = world.owner.execute(_STOCK).fetchone()
    if row is None:
        raise CannotMeasure("the database says nothing")
    return Stock(*(int(number or 0) for number in row))


def letterbox_room(world: World) -> dict[str, float]:
    """What the empty letterbox takes on disk, its indexes included, and how many dead rows are in it."""
    row = world.owner.execute(_LETTERBOX).fetchone()
    if row is None:
        raise CannotMeasure("the database says nothing")
    names = ("letterbox_bytes_after", "letterbox_index_bytes_after", "letterbox_dead_rows_after")
    return dict(zip(names, map(float, row), strict=True))


def verify(before: Stock, after: Stock, result: Result) -> None:
    """Whatever was acknowledged must be there. Raises CannotMeasure."""
    stored = after.rows - before.rows
    if result.acknowledged > stored:
        raise CannotMeasure(f"{result.acknowledged} were acknowledged and {stored} are stored: some are LOST")
    if result.refused or result.broken:
        raise CannotMeasure(f"{result.refused} refused, {result.broken} broken: the figure means nothing")


def drain(world: World, patience: float = 120) -> float:
    """Wait until the worker has resolved every letter; returns how many seconds it took."""
    began = time.monotonic()
    while world.number(_LETTERS):
        if time.monotonic() - began > patience:
            raise CannotMeasure(f"letters are left after {patience:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


class Signing:
    """The rounds of one measurement."""

    def __init__(self, world: World, load: Load, options: Options, worker: Child) -> None:
        self._world = world
        self._load = load
        self._seconds = options.seconds
        self._worker = worker
        self.rounds = Rounds()
        self._path = f"petitions/{world.loaded.petition_slug}/signatures"
        self._haven = f"{world.origin}/api/v1/{self._path}"

    def warm(self, *urls: str) -> None:
        """Statements prepared, connections open, code in the caches."""
        for url in urls:
            self._load.sign(url, min(1, self._seconds))
        drain(self._world)

    def haven_url(self) -> str:
        """Where Haven takes signatures."""
        return self._haven

    def accept_and_resolve(self) -> None:
        """Both at once: what comes in, and what the worker makes of it meanwhile."""
        world, rounds = self._world, self.rounds
        before, sent = look(world), world.number(_SENT)
        began = time.monotonic()
        result = self._load.sign(self._haven, self._seconds)
        after, seconds = look(world), time.monotonic() - began
        verify(before, after, result)
        rounds.add("accepted_per_second", result.per_second)
        rounds.add("resolved_per_second", (after.signatures - before.signatures) / seconds)
        rounds.add("mails_sent_per_second", (world.number(_SENT) - sent) / seconds)
        rounds.add("accepted_p50_ms", result.p50_ms)
        rounds.add("accepted_p99_ms", result.p99_ms)
        waited = drain(world)
        rounds.add("drained_per_second", after.letters / waited if after.letters else 0.0)
        verify(before, look(world), result)
        for name, value in letterbox_room(world).items():
            rounds.add(name, value)
        self.forget_mail()

    def surge(self) -> None:
        """The worker stands still; the letters are thrown away afterwards, once they are counted."""
        world = self._world
        before = look(world)
        with paused(self._worker):
            result = self._load.sign(self._haven, self._seconds)
            verify(before, look(world), result)
        # Not while it stands still: it may have stopped in the middle of a look at the letterbox.
        world.owner.execute("truncate intake")
        self.rounds.add("surge_per_second", result.per_second)
        self.rounds.add("surge_p99_ms", result.p99_ms)

    def compare(self, name: str, origin: str, kind: str) -> None:
        """One of the simpler servers, under the same load."""
        before = look(self._world)
        result = self._load.sign(f"{origin}/{kind}/{self._path}", self._seconds)
        if kind == "plain":
            verify(before, look(self._world), result)
            self.rounds.add(f"{name}_p50_ms", result.p50_ms)
            self.rounds.add(f"{name}_p99_ms", result.p99_ms)
        self.rounds.add(f"{name}_per_second", result.per_second)

    def pgbench(self) -> None:
        """Bare SQL, with the counters and without."""
        for name, counters in (("pgbench", True), ("pgbench_without_tally", False)):
            self.rounds.add(f"{name}_per_second", pgbench.run(self._world, self._seconds, counters=counters))

    def half_rate(self, url: str, prefix: str, most: str) -> None:
        """Latency at half of what was the most, by as many connections, each at random moments."""
        rate = (self.rounds.median(most) or 1) / 2
        result = self._load.sign(url, self._seconds, connections=64, pause_ms=64_000 / rate)
        self.rounds.add(f"{prefix}half_rate_per_second", result.per_second)
        self.rounds.add(f"{prefix}half_rate_p50_ms", result.p50_ms)
        self.rounds.add(f"{prefix}half_rate_p99_ms", result.p99_ms)
        drain(self._world)

    def idle(self, url: str, prefix: str) -> None:
        """One signer after the other: nobody else is there."""
        result = self._load.sign(url, min(self._seconds, 2), connections=1)
        self.rounds.add(f"{prefix}idle_p50_ms", result.p50_ms)
        drain(self._world)

    def forget_mail(self, patience: float = 2) -> None:
        """Mail that the worker has not sent by now is cancelled: the next round must not pay for it."""
        deadline = time.monotonic() + patience
        while self._world.number(_WAITING_MAILS) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._world.owner.execute(
            "update mails set state = 'cancelled', payload_sealed = null where state = 'queued'"
        )


def measure(world: World, load: Load, options: Options) -> Report:
    """Interleaved rounds of everything that signing is compared with."""
    world.fill(options.signatures)
    with (
        worker_process(world) as worker,
        public_processes(world, options.processes),
        comparison_processes(world, options.processes) as several,
        comparison_processes(world, 1) if options.processes > 1 else nullcontext(several) as single,
    ):
        signing = Signing(world, load, options, worker)
        haven, path = signing.haven_url(), f"petitions/{world.loaded.petition_slug}/signatures"
        plain = f"{several}/plain/{path}"
        signing.warm(*{haven, plain, f"{single}/plain/{path}"})
        steps: tuple[Callable[[], None], ...] = (
            signing.accept_and_resolve,
            lambda: signing.compare("plain", several, "plain"),
            signing.surge,
            lambda: signing.compare("no_database", several, "no-database"),
            lambda: signing.compare("validation_only", several, "validation"),
            signing.pgbench,
            lambda: signing.compare("plain_one_process", single, "plain"),
            lambda: signing.half_rate(haven, "", "accepted_per_second"),
            lambda: signing.half_rate(plain, "plain_", "plain_per_second"),
            lambda: signing.idle(haven, ""),
            lambda: signing.idle(plain, "plain_"),
        )
        for number in range(options.rounds):
            said(f"signing: round {number + 1} of {options.rounds}")
            for step in steps:
                step()
    ratios = {name: signing.rounds.ratio(*pair) for name, pair in RATIOS.items()}
    return Report("signing", signing.rounds, ratios, AIMS, options.conditions())
