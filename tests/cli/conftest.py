"""The demo campaign in a database of its own: it would be one campaign too many in others' tests."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from app.cli.demo.loading import Loaded, load
from app.core.schema import upgrade
from tests.conftest import Addresses

_numbers = count()


@pytest.fixture(scope="module")
def demo(addresses: Addresses) -> Iterator[Addresses]:
    """A migrated database of each module's own."""
    name = f"haven_demo_{os.getpid()}_{next(_numbers)}"
    made = replace(
        addresses,
        **{
            login: urlsplit(getattr(addresses, login))._replace(path=f"/{name}").geturl()
            for login in ("superuser", "owner", "public", "internal")
        },
    )
    identifier = sql.Identifier(name)
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} owner haven_owner template template0 encoding 'UTF8'").format(
                identifier
            )
        )
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        connection.execute("alter schema public owner to haven_owner")
    upgrade(made.owner)
    yield made
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(identifier))


@pytest.fixture
def demo_owner(demo: Addresses) -> Iterator[psycopg.Connection]:
    """The owner's login; what a test writes on it is rolled back."""
    with psycopg.connect(demo.owner) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def loaded(demo: Addresses) -> Loaded:
    with psycopg.connect(demo.owner) as connection:
        return load(connection)
