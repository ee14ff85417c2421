"""Processes that refuse to start: the real command, against real servers."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from app.core.db import Database
from app.core.embedded import EmbeddedPostgres, cluster
from app.core.schema import check_database, expected_revision, is_current, upgrade
from app.crypto.keys import encode_key, new_keys
from app.settings import ConfigurationRefused
from tests.conftest import Addresses
from tests.factories import World
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
REFUSED = 3


def run(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli.main", *command.split()],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """What a person reads: in the terminal, or in the log."""
    return ended.stderr + ended.stdout


def good_environment(url: str, sealing: bytes) -> dict[str, str]:
    keys = new_keys().encoded()
    return {
        "HAVEN_DEMO": "1",
        "HAVEN_PUBLIC_DATABASE_URL": url,
        "HAVEN_PUBLIC_PORT": str(free_port()),
        "HAVEN_SEALING_KEY": encode_key(sealing),
        "HAVEN_FORM_KEY": keys["form_key"],
        "HAVEN_STRIPE_SECRET_KEY": "sk_test_0123456789",
        "HAVEN_STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdefghij",
    }


def test_nothing_starts_without_settings() -> None:
    ended = run("serve", {})
    assert ended.returncode == REFUSED
    for name in ("PUBLIC_DATABASE_URL", "SEALING_KEY", "FORM_KEY", "STRIPE_WEBHOOK_SECRET"):
        assert f"Set HAVEN_{name}" in ended.stderr
    assert "Traceback" not in said(ended)


@pytest.mark.parametrize("command", ["serve --role staff", "worker", "migrate"])
def test_no_other_role_starts_without_settings(command: str) -> None:
    ended = run(command, {})
    assert ended.returncode == REFUSED
    assert "Set HAVEN_" in ended.stderr
    assert "Traceback" not in said(ended)


def test_a_weak_key_is_refused(addresses: Addresses, world: World) -> None:
    environment = good_environment(addresses.public, bytes(range(32)))
    weak = environment | {"HAVEN_FORM_KEY": encode_key(b"0123456789abcdef0123456789abcdef")}
    ended = run("serve", weak)
    assert ended.returncode == REFUSED
    assert "HAVEN_FORM_KEY is not random" in said(ended)
    assert weak["HAVEN_FORM_KEY"] not in said(ended)


def test_a_key_that_nobody_registered_is_refused(addresses: Addresses, world: World) -> None:
    ended = run("serve", good_environment(addresses.public, new_keys().sealing))
    assert ended.returncode == REFUSED
    assert "HAVEN_SEALING_KEY is not registered" in said(ended)
    assert str(urlsplit(addresses.public).password) not in said(ended)


def test_a_schema_that_is_behind_is_refused(addresses: Addresses, world: World) -> None:
    name = f"behind_{os.getpid()}"
    owner = urlsplit(addresses.owner)._replace(path=f"/{name}").geturl()
    public = urlsplit(addresses.public)._replace(path=f"/{name}").geturl()
    with psycopg.connect(addresses.superuser, autocommit=True) as superuser:
        superuser.execute(sql.SQL("create database {} owner haven_owner").format(sql.Identifier(name)))
        try:
            empty = run("serve", good_environment(public, new_keys().sealing))
            upgrade(owner)
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute("update alembic_version set version_num = '0001'")
            behind = run("serve", good_environment(public, new_keys().sealing))
        finally:
            superuser.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    assert (empty.returncode, behind.returncode) == (REFUSED, REFUSED)
    assert "The schema is at nothing" in said(empty)
    assert "The schema is at 0001" in said(behind)
    for ended in (empty, behind):
        assert "run `haven migrate`" in said(ended)


async def test_readiness_tells_a_schema_that_is_behind(addresses: Addresses, world: World) -> None:
    database = Database(addresses.public, pool_size=1)
    assert await is_current(database)
    await check_database(database)
    with psycopg.connect(addresses.superuser, autocommit=True) as superuser:
        superuser.execute("update alembic_version set version_num = 'other'")
        try:
            assert not await is_current(database)
        finally:
            superuser.execute("update alembic_version set version_num = %s", (expected_revision(),))
    await database.close()


async def test_a_login_that_does_not_wait_for_the_disk_is_refused(
    addresses: Addresses, world: World, superuser: psycopg.Connection
) -> None:
    superuser.execute("alter role haven_public set synchronous_commit = off")
    database = Database(addresses.public, pool_size=1)
    try:
        with pytest.raises(ConfigurationRefused, match="synchronous_commit=off: set it to on"):
            await check_database(database)
    finally:
        superuser.execute("alter role haven_public reset synchronous_commit")
        await database.close()


@contextmanager
def a_careless_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """A real server that does not wait for its disk."""
    monkeypatch.setitem(cluster.SETTINGS, "fsync", "off")
    with tempfile.TemporaryDirectory(prefix="haven-careless-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "db", free_port(), keys=Path(folder) / "keys")
        server.start()
        try:
            server.wait_ready()
            server.bootstrap()
            yield server
        finally:
            server.stop()


async def test_a_server_that_would_lose_signatures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_careless_server(monkeypatch) as server:
        upgrade(server.owner_url)
        database = Database(server.public_url, pool_size=1)
        with pytest.raises(ConfigurationRefused, match="fsync=off: a crash would lose signatures"):
            await check_database(database)
        await database.close()
