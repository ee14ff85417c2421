"""`disk`: how many bytes a confirmed signature takes, indexes included."""

from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.gathering import confirm_all, sign_until, wait_for_mail
from devtools.bench.load import Load
from devtools.bench.options import Options
from devtools.bench.processes import public_processes, worker_process
from devtools.bench.world import World

AIMS = (Aim("bytes_per_confirmed_signature", at_most=500),)
_SIZES = """
    select c.relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r'
"""
_CONFIRMED = "select count(*) from signatures where state = 'confirmed'"


def sizes(world: World) -> dict[str, tuple[int, int]]:
    """Every table's bytes, with its indexes, and those of its indexes alone, after a vacuum."""
    world.owner.execute("vacuum analyze")
    return {str(name): (int(whole), int(indexes)) for name, whole, indexes in world.owner.execute(_SIZES)}


def measure(world: World, load: Load, options: Options) -> Report:
    """Gather, confirm, deliver, vacuum, weigh: all tables, less what they weighed when they were empty."""
    rounds = Rounds()
    world.owner.execute("vacuum full")
    before = sizes(world)
    with worker_process(world), public_processes(world, options.processes):
        sign_until(world, load, options.signatures)
        wait_for_mail(world, 60 + options.signatures / 50)
    confirm_all(world)
    after = sizes(world)
    confirmed = world.number(_CONFIRMED)
    grown = {name: whole - before[name][0] for name, (whole, _) in after.items()}
    indexes = {name: of_indexes - before[name][1] for name, (_, of_indexes) in after.items()}
    total = sum(grown.values()) / confirmed
    rounds.add("confirmed_signatures", confirmed)
    rounds.add("bytes_per_confirmed_signature", total)
    rounds.add("index_bytes_per_confirmed_signature", sum(indexes.values()) / confirmed)
    for name in sorted(grown, key=lambda table: -grown[table]):
        if grown[name] / confirmed >= 1:
            rounds.add(f"bytes_in_{name}", grown[name] / confirmed)
            rounds.add(f"index_bytes_in_{name}", indexes[name] / confirmed)
    # What the rows themselves need, without the room that updated and removed ones leave for later ones.
    world.owner.execute("vacuum full")
    compact = {name: whole - before[name][0] for name, (whole, _) in sizes(world).items()}
    rounds.add("compact_bytes_per_confirmed_signature", sum(compact.values()) / confirmed)
    for name in sorted(compact, key=lambda table: -compact[table]):
        if compact[name] / confirmed >= 1:
            rounds.add(f"compact_bytes_in_{name}", compact[name] / confirmed)
    ratios: dict[str, float | None] = {"bytes_per_confirmed_signature": round(total, 1)}
    return Report("disk", rounds, ratios, AIMS, options.conditions())
