"""`haven letters`: letters that could not be resolved."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.http.wiring import secret
from app.petitions.rejected import list_rejected, put_back
from app.settings import load

cli = typer.Typer(
    no_args_is_help=True, help="Letters that could not be resolved; nothing acknowledged is lost."
)
Found = TypeVar("Found")


@cli.command("list")
def list_() -> None:
    """List the letters kept apart, with the error that each met.

    Example: haven letters list
    """
    letters = asyncio.run(_with_session(list_rejected))
    table = Table("letter", "petition", "received", "error", title="letters kept apart")
    for letter in letters:
        table.add_row(
            str(letter.id), str(letter.petition_id), f"{letter.received_at:%Y-%m-%d %H:%M}", letter.error
        )
    Console().print(table)
    raise typer.Exit(1 if letters else 0)


@cli.command()
def retry() -> None:
    """Put them back into the letterbox, once what broke them is mended.

    Example: haven letters retry
    """
    typer.echo(f"{asyncio.run(_with_session(put_back))} put back")


async def _with_session(work: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
    database = Database(secret(load().database.internal_database_url), pool_size=1, name="haven-letters")
    try:
        async with database.begin() as session:
            return await work(session)
    finally:
        await database.close()
