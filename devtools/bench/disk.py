"""`disk`: how many bytes a confirmed signature takes, indexes included, once it has lived its whole life.

Signatures come in waves, as they do over days. Each wave signs, is mailed, and confirms in no particular
order; then what is kept for a while only is forgotten by the worker's own functions, as if that while had
passed, and everything is vacuumed as autovacuum does. What stays is weighed. Queues that are empty by then
keep room for as many as they once held together, be it for thousands or for millions of signatures: that is
told beside, as a number of bytes in all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

from app.core.db import Database
from app.mail.forgetting import forget_allowances, forget_mails
from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.gathering import confirm, sign_until, wait_for_mail
from devtools.bench.load import Load
from devtools.bench.options import Options, said
from devtools.bench.processes import public_processes, worker_process
from devtools.bench.world import World

AIMS = (Aim("bytes_per_confirmed_signature", at_most=500),)
WAVES = 8
_SIZES = """
    select c.relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r'
"""
_CONFIRMED = "select count(*) from signatures where state = 'confirmed'"
_PENDING = "select link_hash from signatures where state = 'pending' order by id"
_FORGET_ORIGINS = "select forget_origins(null, now() + interval '1 hour', 2000) is not null"
_NOW = timedelta(0)
_QUEUES = ("intake", "mails", "mail_allowances", "signals", "procrastinate_jobs")

Sizes = dict[str, tuple[int, int]]


def sizes(world: World) -> Sizes:
    """Every table's bytes, with its indexes, and those of its indexes alone, after a vacuum."""
    world.owner.execute("vacuum analyze")
    return {str(name): (int(whole), int(indexes)) for name, whole, indexes in world.owner.execute(_SIZES)}


def live(world: World, load: Load, signatures: int) -> None:
    """Sign until there are so many, mail them all, confirm them all, forget what is not kept."""
    sign_until(world, load, signatures)
    wait_for_mail(world, 60 + signatures / 50)
    hashes = [row[0] for row in world.owner.execute(_PENDING)]
    Random("haven bench").shuffle(hashes)  # noqa: S311 - people open their mail when they do
    confirm(world, hashes, 100)
    world.owner.execute("vacuum analyze signatures")
    _forget(world, lambda database: forget_mails(database, kept=_NOW, undelivered=_NOW))
    _forget(world, lambda database: forget_allowances(database, window=_NOW))
    while world.number(_FORGET_ORIGINS):
        pass
    world.owner.execute("delete from signals")


def _forget(world: World, job: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = Database(world.addresses.internal, pool_size=1, name="haven-bench")
        try:
            await job(database)
        finally:
            await database.close()

    asyncio.run(run())


def _room(world: World, before: Sizes, after: Sizes) -> int:
    """What queues without a single row still take."""
    empty = [
        name
        for name in _QUEUES
        if not world.number(f"select count(*) from {name}")  # noqa: S608 - names of our own
    ]
    return sum(after[name][0] - before[name][0] for name in empty)


def measure(world: World, load: Load, options: Options) -> Report:
    """Live through the waves and weigh all tables, less what they weighed when they were empty."""
    rounds = Rounds()
    world.owner.execute("vacuum full")
    before = after = sizes(world)
    weighed: list[tuple[int, int]] = []
    with worker_process(world), public_processes(world, options.processes):
        for wave in range(1, WAVES + 1):
            live(world, load, options.signatures * wave // WAVES)
            after = sizes(world)
            room = _room(world, before, after)
            weighed.append((world.number(_CONFIRMED), _sum(after) - _sum(before) - room))
            said(f"disk: wave {wave}, {weighed[-1][1] / weighed[-1][0]:.0f} bytes each of {weighed[-1][0]:,}")
    confirmed, total = weighed[-1]
    rounds.add("confirmed_signatures", confirmed)
    rounds.add("bytes_per_confirmed_signature", total / confirmed)
    rounds.add("bytes_of_room_in_empty_queues", _room(world, before, after))
    first = weighed[0]
    rounds.add("bytes_for_each_further_signature", (total - first[1]) / max(1, confirmed - first[0]))
    _itemise(rounds, "", before, after, confirmed)
    # What the rows themselves need, without the room that updated and removed ones leave for later ones.
    world.owner.execute("vacuum full")
    compact = sizes(world)
    rounds.add("compact_bytes_per_confirmed_signature", (_sum(compact) - _sum(before)) / confirmed)
    _itemise(rounds, "compact_", before, compact, confirmed)
    ratios: dict[str, float | None] = {"bytes_per_confirmed_signature": round(total / confirmed, 1)}
    return Report("disk", rounds, ratios, AIMS, options.conditions())


def _sum(sizes: Sizes) -> int:
    return sum(whole for whole, _ in sizes.values())


def _itemise(rounds: Rounds, prefix: str, before: Sizes, after: Sizes, confirmed: int) -> None:
    """Table by table, the heaviest first; those of less than a byte are left out."""
    grown = {name: whole - before[name][0] for name, (whole, _) in after.items()}
    for name in sorted(grown, key=lambda table: -grown[table]):
        if grown[name] / confirmed >= 1:
            rounds.add(f"{prefix}bytes_in_{name}", grown[name] / confirmed)
            rounds.add(f"{prefix}index_bytes_in_{name}", (after[name][1] - before[name][1]) / confirmed)
