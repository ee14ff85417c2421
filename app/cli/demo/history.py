"""Invent a history for the demo campaign: signatures, confirmations, withdrawals, gifts.

Rows are what the worker would have written: hashed, sealed, with own copies that their links open. A batch
is one transaction that leaves counter, rows and tallies equal, so it can be interrupted anywhere; the next
run goes on from there. Running it again tops up to the number asked for, it never adds that number again.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from os import cpu_count

import psycopg

from app.cli.demo.loading import load
from app.cli.demo.making import MOST, Maker, Plan, index_of, signature_id
from app.cli.demo.packing import Known, Packed, pack
from app.cli.demo.reading import demo_texts
from app.cli.demo.writing import BatchWriter, look_up
from app.core.db import libpq_url
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer

DAYS = 14
"""How far back the invented history goes."""

_BATCH, _LARGEST, _STEPS = 5_000, 25_000, 40
"""A batch moves the figures of every hour, whatever it holds: for many people there are larger ones, `_STEPS`
of them, so that a bar still moves."""
_ALONE = 8_000
"""Up to here one process is as fast: starting others takes about a second."""

_LOCK = "haven demo history"
_AHEAD = 2

Progress = Callable[[int, int], None]
"""Told, after each batch, how many invented signatures there are and how many there shall be."""


@dataclass(frozen=True, slots=True)
class Synthesised:
    """What a run did.

    Attributes:
        before: How many invented signatures there were.
        total: How many there are now.
    """

    before: int
    total: int

    @property
    def added(self) -> int:
        """How many this run wrote."""
        return self.total - self.before


def synthesise(
    owner_url: str,
    signatures: int,
    *,
    hasher: Hasher,
    sealer: Sealer,
    now: datetime | None = None,
    days: int = DAYS,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Synthesised:
    """Bring the demo campaign to `signatures` invented signatures, with gifts; loads the campaign if need be.

    Args:
        owner_url: `postgresql://` address of the owner's login.
        signatures: How many there shall be in all; fewer than there are changes nothing.
        hasher: Of the installation, so that links and comparisons work.
        sealer: Of the installation, so that staff can open what is sealed.
        now: Aware; the present by default. Nothing is dated after it.
        days: How far back the rush lies that the history begins with.
        processes: Processes that do the arithmetic; by default one for each core where it is worth it.
        progress: Called in this process after each committed batch.

    Raises:
        NotTheDemo: A real campaign has the demo's name.
        psycopg.Error: The database refused; committed batches stay.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    with psycopg.connect(libpq_url(owner_url), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", [_LOCK])
        loaded = load(connection)
        before = _invented(connection, loaded.petition_id)
        plan = Plan(
            campaign_id=loaded.campaign_id,
            petition_id=loaded.petition_id,
            appeal_id=loaded.appeal_id,
            placements={placement.slug: placement.weight for placement in demo_texts().placements},
            hasher=hasher,
            sealer=sealer,
            started_at=moment - timedelta(days=days),
            now=moment,
        )
        known = look_up(connection, loaded, hasher.key_version)
        with closing(_made(plan, known, range(before, signatures), processes)) as batches:
            total = _write(BatchWriter(connection, loaded), batches, before, signatures, progress)
        return Synthesised(before, total)


def _write(
    writer: BatchWriter, batches: Iterable[Packed], before: int, wanted: int, progress: Progress | None
) -> int:
    """Write each batch in a transaction of its own; how many invented signatures there are then."""
    total, connection = before, writer.connection
    # What a fallen machine loses is made again; what follows at the end waits for the disk.
    connection.execute("set synchronous_commit = off")
    for batch in batches:
        with connection.transaction():
            writer.write(batch)
        total += batch.people
        if progress is not None:
            progress(total, wanted)
    connection.execute("set synchronous_commit = on")
    if total > before:
        writer.finish()
    return total


def _invented(connection: psycopg.Connection, petition_id: int) -> int:
    """How many invented signatures there are: their ids count up without a gap."""
    query = "select id from signatures where id between %s and %s order by id desc limit 1"
    bounds = [signature_id(petition_id, 0), signature_id(petition_id, MOST - 1)]
    row = connection.execute(query, bounds).fetchone()
    return 0 if row is None else index_of(row[0]) + 1


def _made(plan: Plan, known: Known, missing: range, processes: int | None) -> Generator[Packed]:
    """Batches of people in the order of their indexes, a few made ahead of the one that is asked for."""
    size = min(max(_BATCH, len(missing) // _STEPS), max(_BATCH, _LARGEST))
    runs = [(first, min(size, missing.stop - first)) for first in missing[::size]]
    workers = processes if processes is not None else (cpu_count() or 1)
    if workers <= 1 or len(runs) <= 1 or (processes is None and len(missing) <= _ALONE):
        maker = Maker(plan)
        for first, count in runs:
            yield pack(maker.make(first, count), known)
        return
    # Spawned, not forked: the caller may have threads, for a progress bar or a connection pool. Keys go
    # through a pipe to the child, not by its command line or environment.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (plan, known))
    try:
        waiting: deque[Future[Packed]] = deque()
        for first, count in runs:
            waiting.append(pool.submit(_make, first, count))
            if len(waiting) > workers + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_begun: tuple[Maker, Known] | None = None


def _begin(plan: Plan, known: Known) -> None:
    """Set up one of the processes; Ctrl-C is its parent's business."""
    global _begun  # noqa: PLW0603 - a process of a pool keeps its state so
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _begun = Maker(plan), known


def _make(first: int, count: int) -> Packed:
    assert _begun is not None
    maker, known = _begun
    return pack(maker.make(first, count), known)
