"""`confirming`: confirmations a second, beside one transaction per request."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.core.ids import new_id
from app.core.tokens import link_hash, new_token
from app.crypto import details
from app.crypto.sealing import KEY_BYTES
from devtools.bench.figures import Aim, Report, Rounds
from devtools.bench.load import Load, Result
from devtools.bench.options import Options, said
from devtools.bench.processes import CannotMeasure, comparison_processes, public_processes, worker_process
from devtools.bench.world import World

AIMS = (Aim("confirmed_to_plain", at_least=8),)
_MOST_PER_SECOND = {"confirmed": 8_000, "plain": 2_000}
"""Links made for each second of load; a run that uses them all up ends earlier, and is counted so."""
_CONFIRMED = "select coalesce(sum(confirmed), 0) from tallies where dimension = 'all'"
# One statement, so one moment: what was under way when the load ended may still be committed.
_THRICE = """
    select (select coalesce(sum(confirmed - withdrawn), 0) from tallies where dimension = 'all'),
           (select coalesce(sum(counted), 0) from petition_counts),
           (select count(*) from signatures where state = 'confirmed')
"""
_COLUMNS = (
    "id, petition_id, supporter_id, text_version_id, state, country, locale, name_hash, details_sealed, "
    "own_copy, link_hash, signed_at, expires_at"
)


def make_links(world: World, count: int) -> list[str]:
    """So many pending signatures, as the worker leaves them; gives the tokens of their links."""
    if not count:
        return []
    loaded, hasher, sealer = world.loaded, world.hasher, world.sealer
    tokens = [new_token() for _ in range(count)]
    now = datetime.now(UTC)
    suzie = {"name": "Suzie Fenn", "email": "suzie.fenn@example.org", "postcode": "N1 9GU"}
    with world.owner.transaction(), world.owner.cursor() as cursor:
        # One seal will do: nobody opens it, and each own copy is made for its token.
        sealed = sealer.seal_key(bytes(KEY_BYTES), new_id())
        with cursor.copy(f"copy signatures ({_COLUMNS}) from stdin".encode()) as copying:
            for number, token in enumerate(tokens):
                person = hasher.supporter(loaded.campaign_id, token)
                country = "UA" if number % 7 == 0 else "GB"
                copy = details.encrypt(details.key_of(token), {**suzie, "country": country})
                row = (new_id(), loaded.petition_id, person, loaded.text_version_id, "pending", country, "en")
                copying.write_row(
                    (
                        *row,
                        hasher.name(loaded.campaign_id, token),
                        sealed,
                        copy,
                        link_hash(token),
                        now,
                        now + timedelta(days=7),
                    )
                )
    return tokens


def verify(world: World, before: int, result: Result, tokens: Sequence[str]) -> None:
    """Counter, rows and tallies agree, and hold all that was acknowledged. Raises CannotMeasure."""
    confirmed = world.number(_CONFIRMED) - before
    if min(result.acknowledged, len(tokens)) > confirmed:
        raise CannotMeasure(f"{result.acknowledged} were acknowledged, {confirmed} stored: some are LOST")
    if result.refused or result.broken:
        raise CannotMeasure(f"{result.refused} refused, {result.broken} broken: the figure means nothing")
    found = world.owner.execute(_THRICE).fetchone()
    if found is None or len(set(found)) != 1:
        raise CannotMeasure(f"tallies, counter and rows differ: {found}")


def measure(world: World, load: Load, options: Options) -> Report:
    """Interleaved rounds: Haven, and a plain endpoint."""
    world.fill(options.signatures)
    rounds = Rounds()
    links = {name: round(most * options.seconds) for name, most in _MOST_PER_SECOND.items()}
    with (
        worker_process(world),
        public_processes(world, options.processes),
        comparison_processes(world, options.processes) as plain,
    ):
        urls = (("confirmed", f"{world.origin}/api/v1"), ("plain", f"{plain}/plain"))
        for name, url in urls:
            warming = make_links(world, links[name])
            load.confirm(f"{url}/signatures/confirm", min(1, options.seconds), warming)
        for number in range(options.rounds):
            said(f"confirming: round {number + 1} of {options.rounds}")
            for name, url in urls:
                tokens = make_links(world, links[name])
                world.owner.execute("vacuum analyze signatures")
                world.checkpoint()  # what making links left to write is not part of confirming
                before = world.number(_CONFIRMED)
                result = load.confirm(f"{url}/signatures/confirm", options.seconds, tokens)
                verify(world, before, result, tokens)
                rounds.add(f"{name}_per_second", result.per_second)
                rounds.add(f"{name}_p50_ms", result.p50_ms)
                rounds.add(f"{name}_p99_ms", result.p99_ms)
    ratios = {"confirmed_to_plain": rounds.ratio("confirmed_per_second", "plain_per_second")}
    return Report("confirming", rounds, ratios, AIMS, options.conditions())
