"""`haven abuse`: networks, domains and addresses that are blocked, or vouched for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import AppError
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key
from app.http.wiring import secret
from app.petitions import listed
from app.settings import load

cli = typer.Typer(
    no_args_is_help=True, help="Block and allow networks, domains and addresses; nobody is told."
)
Found = TypeVar("Found")
_ACTOR = "cli"


class Kind(StrEnum):
    """What a line of the lists names."""

    NETWORK = "network"
    DOMAIN = "domain"
    ADDRESS = "address"


KindGiven = Annotated[Kind, typer.Argument(help="network, domain or address")]
ValueGiven = Annotated[str, typer.Argument(help="203.0.113.0/24, example.org, somebody@example.org")]
NoteGiven = Annotated[str, typer.Option(help="Why, for colleagues; no personal data.")]


@cli.command()
def block(kind: KindGiven, value: ValueGiven, note: NoteGiven = "") -> None:
    """Quarantine what comes from there, whatever else speaks for it; a blocked address gets no mail.

    Example: haven abuse block network 203.0.113.0/24 --note "spam run of 3 March"
    """
    _put(listed.BLOCK, kind, value, note)


@cli.command()
def allow(kind: KindGiven, value: ValueGiven, note: NoteGiven = "") -> None:
    """Let its rate speak against nobody: an event, an office, a school.

    Example: haven abuse allow network 198.51.100.7 --note "reading in the town hall"
    """
    _put(listed.ALLOW, kind, value, note)


@cli.command("list")
def list_() -> None:
    """Show both lists; of addresses only a hash is kept.

    Example: haven abuse list
    """
    table = Table("id", "action", "kind", "value", "note", "since")
    for entry in asyncio.run(_with_session(listed.read_lists)):
        since = f"{entry.created_at:%Y-%m-%d %H:%M}"
        table.add_row(str(entry.id), entry.action, entry.kind, entry.value, entry.note, since)
    Console().print(table)


@cli.command()
def remove(entry: Annotated[int, typer.Argument(help="The id that `haven abuse list` shows.")]) -> None:
    """Take a line off its list; what it quarantined stays so until staff release it.

    Example: haven abuse remove 3
    """
    if not asyncio.run(_with_session(lambda session: listed.take_off_list(session, entry, actor=_ACTOR))):
        typer.echo("there is no such line", err=True)
        raise typer.Exit(1)
    typer.echo("removed")


@cli.command("ask-work")
def ask_work(
    slug: Annotated[str, typer.Argument(help="The petition.")],
    hours: Annotated[float, typer.Option(help="How long from now; 0 ends it.", min=0, max=168)] = 24,
) -> None:
    """Have a petition's signatures come with a proof of work; forms without script wait for their mail.

    Example: haven abuse ask-work open-the-door --hours 6
    """

    async def put(session: AsyncSession) -> bool:
        return await listed.ask_work(session, slug, timedelta(hours=hours), actor=_ACTOR)

    if not asyncio.run(_with_session(put)):
        raise typer.BadParameter("there is no such petition", param_hint="SLUG")
    typer.echo("asked" if hours else "not asked any more")


def _put(action: str, kind: Kind, value: str, note: str) -> None:
    hasher = Hasher(parse_key(secret(load().keys.hash_key), "HAVEN_HASH_KEY"))
    try:
        named = listed.value_of(kind, value, hasher)
    except AppError as error:
        raise typer.BadParameter(error.detail, param_hint="VALUE") from None

    async def put(session: AsyncSession) -> None:
        await listed.put_on_list(session, action, kind, named, note=note, actor=_ACTOR)

    asyncio.run(_with_session(put))
    typer.echo(f"{'blocked' if action == listed.BLOCK else 'allowed'}: {kind}")


async def _with_session(work: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
    database = Database(secret(load().database.internal_database_url), pool_size=1, name="haven-abuse")
    try:
        async with database.begin() as session:
            return await work(session)
    finally:
        await database.close()
