"""`breakdowns`: figures by day and country of a petition with very many signatures, and of one with few."""

from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.load import Load
from devtools.bench.options import Options, said
from devtools.bench.processes import CannotMeasure, public_processes
from devtools.bench.world import World

FEW = 50_000
DAYS = 90
AIMS = (Aim("day_many_to_few", at_most=1.5), Aim("country_many_to_few", at_most=1.5))
_COPY_PETITION = """
    with made as (
      insert into petitions (campaign_id, slug, state, target, goal, opened_at)
      select campaign_id, %s, 'open', target, goal, opened_at from petitions where id = %s returning id)
    insert into petition_text_versions (petition_id, number, title, body, asks)
    select made.id, 1, v.title, v.body, v.asks from made, petition_text_versions v where v.id = %s
    returning petition_id
"""
# Each hour and value is expected to have so many events; where it expects less than one, most have none.
_FILL = """
    with hours as (
      select date_trunc('hour', now(), 'UTC') - h * interval '1 hour' as utc_hour,
             (exp(-(%(hours)s - h) / 60.0) * 8 + 1) * (1.1 + sin(h * pi() / 12)) as weight
        from generate_series(1, %(hours)s) h),
    spread as (select utc_hour, weight / sum(weight) over () as share from hours),
    kinds (dimension, value, share) as (
      select 'all', '', 1.0
      union all select 'locale', * from (values ('en', 0.93), ('uk', 0.05), ('ar', 0.02)) l
      union all select 'country', 'GB', 0.86
      union all select 'country', chr(65 + n / 26) || chr(65 + n %% 26), 0.14 * 0.92 ^ n * 0.08
                  from generate_series(0, 119) n where chr(65 + n / 26) || chr(65 + n %% 26) <> 'GB'
      union all select 'region', 'E120000' || lpad(n::text, 2, '0'), 0.72 / 12 from generate_series(1, 12) n
      union all select 'placement', 'article-' || n, 0.86 * 0.9 ^ n * 0.1 from generate_series(0, 59) n),
    expected as (
      select dimension, value, utc_hour, %(signatures)s * k.share * s.share as events from kinds k, spread s)
    insert into tallies (petition_id, dimension, value, utc_hour, signed, confirmed)
    select %(petition)s, dimension, value, utc_hour, greatest(1, round(events)), greatest(1, round(events))
      from expected where random() < 1 - exp(-least(events, 50))
"""


def fill(world: World, slug: str, signatures: int) -> int:
    """A petition whose tallies are those of so many signatures; returns how many rows they take."""
    values = [slug, world.loaded.petition_id, world.loaded.text_version_id]
    row = world.owner.execute(_COPY_PETITION, values).fetchone()
    if row is None:
        raise CannotMeasure("the petition was not made")
    world.owner.execute("select setseed(0.5)")
    world.owner.execute(_FILL, {"petition": row[0], "signatures": signatures, "hours": DAYS * 24})
    return world.number("select count(*) from tallies where petition_id = %s", row[0])


def measure(world: World, load: Load, options: Options) -> Report:
    """The time of one answer, one after the other, for few and for many signatures."""
    rounds = Rounds()
    sizes = {"few": min(FEW, options.signatures), "many": options.signatures}
    for size, signatures in sizes.items():
        said(f"breakdowns: {signatures:,} signatures as tallies")
        rounds.add(f"tally_rows_{size}", fill(world, f"bench-{size}", signatures))
    world.owner.execute("vacuum analyze tallies")
    with public_processes(world, options.processes):
        for number in range(options.rounds):
            said(f"breakdowns: round {number + 1} of {options.rounds}")
            for by in ("day", "country", "region", "placement"):
                for size in sizes:
                    url = f"{world.origin}/api/v1/petitions/bench-{size}/breakdown?by={by}"
                    result = load.read(url, options.seconds, connections=1)
                    if result.refused or result.broken:
                        raise CannotMeasure(f"{url}: {result.refused} refused, {result.broken} broken")
                    rounds.add(f"{by}_{size}_p50_ms", result.p50_ms)
                    rounds.add(f"{by}_{size}_p99_ms", result.p99_ms)
    ratios = {
        f"{by}_many_to_few": rounds.ratio(f"{by}_many_p50_ms", f"{by}_few_p50_ms")
        for by in ("day", "country", "region", "placement")
    }
    return Report("breakdowns", rounds, ratios, AIMS, {**options.conditions(), "days": DAYS})
