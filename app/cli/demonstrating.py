"""`haven demo`: the demo campaign, its staff login, and on request a synthetic history."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from nacl.public import PrivateKey
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from sqlalchemy import select

from app.cli.demo.history import synthesise
from app.cli.demo.loading import load as load_demo
from app.core.db import Database, libpq_url
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key, parse_sealing_key, public_of
from app.crypto.sealing import OpeningSealer, Sealer
from app.http.wiring import register_key, secret
from app.settings import ConfigurationRefused, Role, Settings, check, load
from app.staff.accounts import add_staff
from app.staff.models import StaffAccount

STAFF_EMAIL = "editor@haven.example"


def demo(
    signatures: Annotated[
        int, typer.Option(min=0, max=10_000_000, help="Bring the history to this many.")
    ] = 0,
) -> None:
    """Load the demo campaign; again changes nothing. Its data is marked as invented.

    Example: haven demo --signatures 5000
    """
    settings = load()
    check(settings, Role.OWNER)
    if not settings.demo:
        raise ConfigurationRefused(
            ["Set HAVEN_DEMO=1: the demo campaign does not belong on a live installation."]
        )
    owner_url = secret(settings.database.database_url)
    with psycopg.connect(libpq_url(owner_url)) as connection:
        load_demo(connection)
    asyncio.run(_add_login(owner_url))
    if signatures:
        _synthesise(settings, owner_url, signatures)
    typer.echo("the demo campaign is loaded")


async def _add_login(owner_url: str) -> None:
    """The demo's staff login, with the password that `make run` made."""
    path = os.environ.get("HAVEN_DEMO_STAFF_PASSWORD_FILE")
    if not path:
        return
    password = await asyncio.to_thread(lambda: Path(path).read_text(encoding="utf-8").strip())
    database = Database(owner_url, pool_size=1, name="haven-demo")
    try:
        async with database.begin() as session:
            there = await session.scalar(select(StaffAccount.id).where(StaffAccount.email == STAFF_EMAIL))
            if there is None:
                await add_staff(session, STAFF_EMAIL, "Demo editor", ["admin"], password)
    finally:
        await database.close()


def _synthesise(settings: Settings, owner_url: str, signatures: int) -> None:
    sealing = parse_sealing_key(secret(settings.keys.sealing_key), "HAVEN_SEALING_KEY")
    hasher = Hasher(parse_key(secret(settings.keys.hash_key), "HAVEN_HASH_KEY"))
    sealer = sealer_of(settings, asyncio.run(_key_id(owner_url, sealing)), sealing)
    with Progress("inventing signatures", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        bar = bars.add_task("", total=signatures)
        synthesise(
            owner_url,
            signatures,
            hasher=hasher,
            sealer=sealer,
            progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )


def sealer_of(settings: Settings, key_id: int, sealing: bytes) -> Sealer:
    """As the worker's, where the opening key is at hand: in a tenth of the time, and half of the room.

    Raises:
        ConfigurationRefused: The two keys are no pair.
    """
    if settings.keys.opening_key is None:
        return Sealer(key_id, sealing)
    opening = parse_key(secret(settings.keys.opening_key), "HAVEN_OPENING_KEY")
    if public_of(opening) != sealing:
        raise ConfigurationRefused(
            ["HAVEN_SEALING_KEY and HAVEN_OPENING_KEY are no pair: `haven keys new` makes one."]
        )
    return OpeningSealer(key_id, PrivateKey(opening))


async def _key_id(owner_url: str, sealing: bytes) -> int:
    database = Database(owner_url, pool_size=1, name="haven-demo")
    try:
        return await register_key(database, sealing)
    finally:
        await database.close()
