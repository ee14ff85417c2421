"""Invent a history for the demo campaign: signatures, confirmations, withdrawals, gifts.

Rows are what the worker would have written: hashed, sealed, with own copies that their links open. A batch
is one transaction that leaves counter, rows and tallies equal, so it can be interrupted anywhere; the next
run goes on from there. Running it again tops up to the number asked for, it never adds that number again.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from os import cpu_count

import psycopg

from app.cli.demo.loading import load
from app.cli.demo.making import MOST, Made, Maker, Plan, index_of, signature_id
from app.cli.demo.reading import demo_texts
from app.cli.demo.writing import BatchWriter
from app.core.db import libpq_url
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer

DAYS = 14
"""How far back the invented history goes."""

_BATCH = 5_000
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
        total = before
        writer = BatchWriter(connection, loaded, hasher.key_version)
        with closing(_made(plan, before, signatures, processes)) as batches:
            for people in batches:
                with connection.transaction():
                    writer.write(people)
                total += len(people)
                if progress is not None:
                    progress(total, signatures)
        return Synthesised(before, total)


def _invented(connection: psycopg.Connection, petition_id: int) -> int:
    """How many invented signatures there are: their ids count up without a gap."""
    query = "select id from signatures where id between %s and %s order by id desc limit 1"
    bounds = [signature_id(petition_id, 0), signature_id(petition_id, MOST - 1)]
    row = connection.execute(query, bounds).fetchone()
    return 0 if row is None else index_of(row[0]) + 1


def _made(plan: Plan, before: int, wanted: int, processes: int | None) -> Generator[list[Made]]:
    """Batches of people in the order of their indexes, a few made ahead of the one that is asked for."""
    missing = wanted - before
    runs = [(first, min(_BATCH, wanted - first)) for first in range(before, wanted, _BATCH)]
    workers = processes if processes is not None else (cpu_count() or 1)
    if workers <= 1 or len(runs) <= 1 or (processes is None and missing <= _ALONE):
        maker = Maker(plan)
        for first, count in runs:
            yield maker.make(first, count)
        return
    # Spawned, not forked: the caller may have threads, for a progress bar or a connection pool.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (plan,))
    try:
        waiting: deque[Future[list[Made]]] = deque()
        for first, count in runs:
            waiting.append(pool.submit(_make, first, count))
            if len(waiting) > workers + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_maker: Maker | None = None


def _begin(plan: Plan) -> None:
    """Set up one of the processes; Ctrl-C is its parent's business."""
    global _maker  # noqa: PLW0603 - a process of a pool keeps its state so
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _maker = Maker(plan)


def _make(first: int, count: int) -> list[Made]:
    assert _maker is not None
    return _maker.make(first, count)
