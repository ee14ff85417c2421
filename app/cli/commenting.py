"""`haven comments`: read what signers want to say in public, and show it."""

import asyncio
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connecting import with_session
from app.petitions.approving import approve_comment, waiting_comments

cli = typer.Typer(no_args_is_help=True, help="Comments of signers, shown once somebody has read them.")


@cli.command("list")
def list_() -> None:
    """List comments that wait to be read.

    Example: haven comments list
    """
    table = Table("signature", "name", "comment", title="comments that wait")
    for waiting in asyncio.run(with_session(waiting_comments)):
        table.add_row(str(waiting.signature_id), waiting.name, waiting.comment)
    Console().print(table)


@cli.command()
def approve(signature: UUID) -> None:
    """Show the comment of a signature. Exits 1 when none waits.

    Example: haven comments approve 01a20442-cc0f-7aac-86a6-04d4297c34de
    """
    done = asyncio.run(with_session(lambda session: approve_comment(session, signature, "cli")))
    typer.echo("shown" if done else "no comment of that signature waits")
    raise typer.Exit(0 if done else 1)
