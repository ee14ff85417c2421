"""`haven signatures`: invalidate in bulk, release from quarantine, undo."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from nacl.public import PrivateKey
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import SystemClock
from app.core.db import Database
from app.core.errors import AppError
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key, parse_sealing_key
from app.crypto.sealing import Opener, Sealer
from app.http.wiring import register_key, secret
from app.petitions.abuse_models import Sweep
from app.petitions.conditions import Conditions, is_label
from app.petitions.models import Petition
from app.petitions.sweeping import INVALIDATE, REASONS, RELEASE, Sweeper, Trial
from app.settings import load
from app.supporters.domains import domain_of

cli = typer.Typer(no_args_is_help=True, help="Invalidate signatures in bulk, release them, undo.")
Found = TypeVar("Found")
_ACTOR = "cli"
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]

Slug = Annotated[str, typer.Argument(help="The petition.")]
Since = Annotated[datetime | None, typer.Option(formats=_DATES, help="Signed from then on, UTC.")]
Until = Annotated[datetime | None, typer.Option(formats=_DATES, help="Signed before then, UTC.")]
NetworkGiven = Annotated[str | None, typer.Option(help="An IPv4 address, one in the /64, or its hash.")]
DomainGiven = Annotated[str | None, typer.Option(help="The address's domain, or its hash.")]
PlacementGiven = Annotated[str | None, typer.Option(help="Where the call to action stood.")]
PatternGiven = Annotated[str | None, typer.Option(help="Of the name, with * and ?.")]
Quarantined = Annotated[bool | None, typer.Option(help="Only those in quarantine, or only those not.")]
Reason = Annotated[str, typer.Option(help=f"Public: {', '.join(REASONS)}.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; the sample is shown all the same.")]


@cli.command()
def invalidate(
    slug: Slug,
    reason: Reason,
    *,
    since: Since = None,
    until: Until = None,
    network: NetworkGiven = None,
    domain: DomainGiven = None,
    placement: PlacementGiven = None,
    pattern: PatternGiven = None,
    quarantined: Quarantined = None,
    yes: Yes = False,
) -> None:
    """Show how many match and a sample, ask, and let the worker take them out of the count.

    Example: haven signatures invalidate open-the-door --reason bot --domain bot.example
    """
    given = (since, until, network, domain, placement, pattern, quarantined)
    _sweep(INVALIDATE, slug, reason, given, yes=yes)


@cli.command()
def release(
    slug: Slug,
    *,
    since: Since = None,
    until: Until = None,
    network: NetworkGiven = None,
    domain: DomainGiven = None,
    placement: PlacementGiven = None,
    pattern: PatternGiven = None,
    yes: Yes = False,
) -> None:
    """The same, to let those in quarantine count.

    Example: haven signatures release open-the-door --network 203.0.113.9
    """
    _sweep(RELEASE, slug, "mistake", (since, until, network, domain, placement, pattern, True), yes=yes)


@cli.command()
def undo(sweep: Annotated[UUID, typer.Argument(help="The id that `haven signatures sweeps` shows.")]) -> None:
    """Undo an invalidation: all of it counts again as before.

    Example: haven signatures undo 0196f0c2-…
    """

    async def work(session: AsyncSession, sweeper: Sweeper) -> None:
        await sweeper.start_undo(session, sweep, actor=_ACTOR)

    try:
        asyncio.run(_with_sweeper(work))
    except AppError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from None
    typer.echo("the worker is undoing it")


@cli.command()
def sweeps() -> None:
    """List what was done in bulk, the newest first, with its progress.

    Example: haven signatures sweeps
    """

    async def work(session: AsyncSession, _: Sweeper) -> list[Sweep]:
        return list(await session.scalars(select(Sweep).order_by(Sweep.id.desc()).limit(100)))

    table = Table("id", "what", "reason", "by", "done", "state")
    for each in asyncio.run(_with_sweeper(work)):
        state = "undone" if each.undone_at else "undoing" if each.undo_at else "running"
        state = "done" if each.finished_at and not each.undo_at else state
        done = f"{each.done} of {each.expected}"
        table.add_row(str(each.id), each.action, each.reason, each.actor, done, state)
    Console().print(table)


Given = tuple[datetime | None, datetime | None, str | None, str | None, str | None, str | None, bool | None]


def _sweep(action: str, slug: str, reason: str, given: Given, *, yes: bool) -> None:
    if reason not in REASONS:
        raise typer.BadParameter(f"one of {', '.join(REASONS)}", param_hint="--reason")

    async def look(session: AsyncSession, sweeper: Sweeper) -> tuple[Conditions, Trial]:
        wanted = await _conditions(session, slug, given)
        return wanted, await sweeper.try_out(session, wanted, action)

    wanted, trial = asyncio.run(_with_sweeper(look))
    more = "at least " if trial.is_partial else ""
    found = f"{more}{trial.matching} match, {more}{trial.counting} count now"
    table = Table("name", "signed", "state", "score", title=found)
    for each in trial.sample:
        table.add_row(each.name, f"{each.signed_at:%Y-%m-%d %H:%M}", each.state, str(each.score))
    Console().print(table)
    if not trial.matching or not (yes or typer.confirm(f"{action} {trial.matching}?")):
        raise typer.Exit(1)

    async def start(session: AsyncSession, sweeper: Sweeper) -> UUID:
        return await sweeper.start(
            session, action, wanted, reason=reason, actor=_ACTOR, expected=trial.matching
        )

    typer.echo(f"the worker is at it: {asyncio.run(_with_sweeper(start))}")


async def _conditions(session: AsyncSession, slug: str, given: Given) -> Conditions:
    since, until, network, domain, placement, pattern, quarantined = given
    petition_id = await session.scalar(select(Petition.id).where(Petition.slug == slug))
    if petition_id is None:
        raise typer.BadParameter("there is no such petition", param_hint="SLUG")
    end = (until or SystemClock().now()).replace(tzinfo=UTC)
    begin = since.replace(tzinfo=UTC) if since else end - timedelta(days=30)
    registered = domain if domain is None or is_label(domain) else domain_of(f"@{domain}")
    try:
        return Conditions(petition_id, begin, end, network, registered, placement, pattern, quarantined)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


async def _with_sweeper(work: Callable[[AsyncSession, Sweeper], Awaitable[Found]]) -> Found:
    settings = load()
    database = Database(secret(settings.database.internal_database_url), pool_size=2, name="haven-signatures")
    try:
        sealing = parse_sealing_key(secret(settings.keys.sealing_key), "HAVEN_SEALING_KEY")
        opening = parse_key(secret(settings.keys.opening_key), "HAVEN_OPENING_KEY")
        hasher = Hasher(parse_key(secret(settings.keys.hash_key), "HAVEN_HASH_KEY"))
        key_id = await register_key(database, sealing)
        opener = Opener({key_id: PrivateKey(opening)})
        sweeper = Sweeper(database, Sealer(key_id, sealing), opener, hasher)
        async with database.begin() as session:
            return await work(session, sweeper)
    finally:
        await database.close()
