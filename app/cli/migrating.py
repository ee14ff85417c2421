"""`haven migrate`: bring the schema up to date as the owner."""

import asyncio
from typing import Annotated

import typer

from app.core.db import Database
from app.core.logins import LoginsMissing, ensure_logins
from app.core.schema import upgrade
from app.crypto.errors import InvalidKey
from app.crypto.keys import parse_sealing_key
from app.http.wiring import register_key, secret
from app.settings import ConfigurationRefused, Role, Settings, check, load


def migrate(
    revision: Annotated[str, typer.Argument(help="How far; `head` is the newest.")] = "head",
) -> None:
    """Bring the schema up to date, make the serving logins where that is allowed, register the sealing key.

    Needs HAVEN_DATABASE_URL, the owner's; no serving process may hold it.

    Example: haven migrate
    """
    settings = load()
    check(settings, Role.OWNER)
    owner_url = secret(settings.database.database_url)
    public, internal = settings.database.public_database_url, settings.database.internal_database_url
    try:
        ensure_logins(
            owner_url,
            public_url=secret(public) if public else None,
            internal_url=secret(internal) if internal else None,
        )
    except LoginsMissing as error:
        raise ConfigurationRefused([str(error)]) from None
    upgrade(owner_url, revision)
    asyncio.run(_register(settings, owner_url))
    typer.echo("the schema is up to date")


async def _register(settings: Settings, owner_url: str) -> None:
    if settings.keys.sealing_key is None:
        return
    try:
        key = parse_sealing_key(secret(settings.keys.sealing_key), "HAVEN_SEALING_KEY")
    except InvalidKey as error:
        raise ConfigurationRefused([str(error)]) from None
    database = Database(owner_url, pool_size=1, name="haven-migrate")
    try:
        await register_key(database, key)
    finally:
        await database.close()
