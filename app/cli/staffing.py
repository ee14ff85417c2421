"""`haven staff`: accounts for the admin pages."""

import asyncio
import secrets
import sys
from typing import Annotated

import typer

from app.core.db import Database
from app.core.errors import AppError
from app.http.wiring import secret
from app.settings import Role, check, load
from app.staff.accounts import add_staff

cli = typer.Typer(no_args_is_help=True, help="Accounts for the admin pages.")


@cli.callback()
def staff() -> None:
    """Accounts for the admin pages."""


@cli.command()
def add(
    email: Annotated[str, typer.Argument(help="The address to log in with.")],
    name: Annotated[str, typer.Option(help="How they are called; by default the address's first part.")] = "",
    role: Annotated[
        list[str] | None, typer.Option(help="editor, finance, privacy or admin; may be repeated.")
    ] = None,
    *,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Make an account. Without --password-stdin a password is made and printed once.

    Needs HAVEN_DATABASE_URL, the owner's: no serving process can make accounts.

    Example: haven staff add suzie@paper.example --role editor
    """
    settings = load()
    check(settings, Role.OWNER)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(15)
    try:
        asyncio.run(
            _add(
                secret(settings.database.database_url),
                email,
                name or email.split("@", maxsplit=1)[0],
                role,
                password,
            )
        )
    except AppError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"added {email}")
    if not password_stdin:
        typer.echo(f"password: {password}")


async def _add(owner_url: str, email: str, name: str, roles: list[str] | None, password: str) -> None:
    database = Database(owner_url, pool_size=1, name="haven-staff-add")
    try:
        async with database.begin() as session:
            await add_staff(session, email, name, roles or ["editor"], password)
    finally:
        await database.close()
