"""`haven letters`: letters that could not be resolved."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connecting import with_session
from app.petitions.rejected import list_rejected, put_back

cli = typer.Typer(
    no_args_is_help=True, help="Letters that could not be resolved; nothing acknowledged is lost."
)


@cli.command("list")
def list_() -> None:
    """List the letters kept apart, with the error that each met.

    Example: haven letters list
    """
    letters = asyncio.run(with_session(list_rejected))
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
    typer.echo(f"{asyncio.run(with_session(put_back))} put back")
