"""The `haven` command.

Exit codes: 0 done, 1 a check failed, 2 wrong usage, 3 Haven refuses to start as it is set up.
"""

import asyncio
import os
import sys
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from app.cli import abusing, commenting, demonstrating, lettering, migrating, staffing, sweeping
from app.cli.checking import selfcheck as run_selfcheck
from app.cli.local import use_local_settings
from app.cli.serving import REFUSED, serve_role
from app.cli.working import run_worker
from app.core.logging import configure_logging
from app.crypto.keys import new_keys
from app.settings import ConfigurationRefused, Role, check, load

cli = typer.Typer(name="haven", no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(staffing.cli, name="staff")
cli.add_typer(lettering.cli, name="letters")
cli.add_typer(commenting.cli, name="comments")
cli.add_typer(abusing.cli, name="abuse")
cli.add_typer(sweeping.cli, name="signatures")
keys_cli = typer.Typer(no_args_is_help=True, help="Keys that lie outside the database.")
cli.add_typer(keys_cli, name="keys")
cli.command("migrate")(migrating.migrate)
cli.command("demo")(demonstrating.demo)


@cli.callback()
def haven(context: typer.Context) -> None:
    """The backend of humanitarian campaigns.

    Beside a running `make run`, commands find its settings by themselves.
    """
    use_local_settings(context.invoked_subcommand)


@cli.command()
def serve(
    role: Annotated[Role, typer.Option(help="public: pages and API; staff: admin pages.")] = Role.PUBLIC,
) -> None:
    """Serve HTTP as one role; HAVEN_PUBLIC_PROCESSES is how many processes the public one has.

    Example: haven serve --role staff
    """
    if role not in (Role.PUBLIC, Role.STAFF):
        raise typer.BadParameter("only public and staff serve HTTP; see `haven worker`", param_hint="--role")
    settings = load()
    check(settings, role)
    raise typer.Exit(serve_role(settings, role))


@cli.command()
def worker() -> None:
    """Resolve letters, deliver mail, settle donations, keep the calendar.

    Example: HAVEN_WORKER_PORT=8002 haven worker
    """
    settings = load()
    check(settings, Role.WORKER)
    configure_logging(settings.log_level, settings.log_format, Role.WORKER)
    uvloop.run(run_worker(settings))


@cli.command()
def selfcheck(
    *, json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False
) -> None:
    """Prove the invariants on the live database; exits 1 when one is broken.

    Example: haven selfcheck --json
    """
    findings = asyncio.run(run_selfcheck(load()))
    broken = [finding for finding in findings if finding.violations]
    if json:
        typer.echo(_as_json({finding.name: finding.violations for finding in findings}))
    else:
        table = Table("invariant", "violations", title="haven selfcheck")
        for finding in findings:
            table.add_row(
                finding.name, str(finding.violations), style="bold red" if finding.violations else ""
            )
        Console().print(table)
        typer.echo("all invariants hold" if not broken else f"{len(broken)} broken")
    raise typer.Exit(1 if broken else 0)


@keys_cli.command("new")
def keys_new() -> None:
    """Print a fresh set of keys as settings; nothing is stored.

    Example: haven keys new > keys.env
    """
    for name, value in new_keys().encoded().items():
        typer.echo(f"HAVEN_{name.upper()}={value}")


def _as_json(value: object) -> str:
    import json as json_module  # noqa: PLC0415 - the option above takes the name

    return json_module.dumps(value, ensure_ascii=False)


def run() -> None:
    """The console script: like `cli`, but says plainly why Haven refuses to start."""
    os.environ.setdefault("PYTHONUTF8", "1")
    try:
        cli()
    except ConfigurationRefused as refused:
        typer.echo(str(refused), err=True)
        sys.exit(REFUSED)


if __name__ == "__main__":
    run()
