"""The serving logins on somebody else's PostgreSQL; the embedded one plays that part."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from app.core.embedded import EmbeddedPostgres
from app.core.logins import INTERNAL, PUBLIC, LoginsMissing, derive_login_url, ensure_logins
from tests.ports import free_port

OWNER_URL = "postgresql+psycopg://boss:p%40ss%2Fword-9f3a@db.example:6432/books?sslmode=require"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    place = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="haven-test-"))
    place.chmod(0o755)
    server = EmbeddedPostgres(place / "pg", free_port())
    server.start()
    server.wait_ready(30)
    with server._connect("postgres") as superuser:
        superuser.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'secret of the boss'")
        superuser.execute("CREATE ROLE clerk LOGIN PASSWORD 'secret of the clerk'")
        superuser.execute("CREATE DATABASE books OWNER boss")
        superuser.execute("CREATE DATABASE papers OWNER clerk")
    yield server
    server.stop()
    shutil.rmtree(place)


def url_of(server: EmbeddedPostgres, login: str, database: str) -> str:
    return f"postgresql://{login}:{quote(f'secret of the {login}')}@127.0.0.1:{server.port}/{database}"


def test_derived_address_changes_login_and_password_only() -> None:
    derived = derive_login_url(OWNER_URL, PUBLIC)
    parts = urlsplit(derived)

    assert parts.username == PUBLIC
    assert (parts.scheme, parts.hostname, parts.port) == ("postgresql+psycopg", "db.example", 6432)
    assert (parts.path, parts.query) == ("/books", "sslmode=require")
    assert parts.password is not None
    assert len(parts.password) >= 32
    assert derived == derive_login_url(OWNER_URL, PUBLIC)
    assert parts.password != urlsplit(derive_login_url(OWNER_URL, INTERNAL)).password
    assert parts.password != urlsplit(derive_login_url(OWNER_URL.replace("9f3a", "9f3b"), PUBLIC)).password


def test_no_password_to_derive_from() -> None:
    with pytest.raises(LoginsMissing, match="HAVEN_PUBLIC_DATABASE_URL"):
        derive_login_url("postgresql://boss@db.example/books", PUBLIC)


def test_owner_makes_the_logins_and_shuts_out_the_rest(server: EmbeddedPostgres) -> None:
    owner_url = url_of(server, "boss", "books")
    ensure_logins(owner_url)
    ensure_logins(owner_url)

    for login in (PUBLIC, INTERNAL):
        with psycopg.connect(derive_login_url(owner_url, login)) as connection:
            assert connection.info.user == login
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id int)")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(url_of(server, "clerk", "books"))


def test_owner_sets_a_changed_password(server: EmbeddedPostgres) -> None:
    owner_url = url_of(server, "boss", "books")
    ensure_logins(owner_url)
    given = f"postgresql://{PUBLIC}:another%20one@127.0.0.1:{server.port}/books"

    ensure_logins(owner_url, public_url=given)

    psycopg.connect(given).close()
    ensure_logins(owner_url)
    psycopg.connect(derive_login_url(owner_url, PUBLIC)).close()


def test_owner_without_the_right_is_told_what_to_run(server: EmbeddedPostgres) -> None:
    owner_url = url_of(server, "clerk", "papers")
    with server._connect("postgres") as superuser:
        for login in (PUBLIC, INTERNAL):
            if known(superuser, login):
                superuser.execute(f"ALTER ROLE {login} RENAME TO {login}_of_books".encode())

    with pytest.raises(LoginsMissing) as refusal:
        ensure_logins(owner_url)

    for login in (PUBLIC, INTERNAL):
        password = urlsplit(derive_login_url(owner_url, login)).password
        assert password is not None
        assert password not in str(refusal.value)
    with server._connect("papers") as superuser:
        superuser.execute(refusal.value.sql.encode())
    ensure_logins(owner_url)
    psycopg.connect(derive_login_url(owner_url, INTERNAL)).close()


def test_login_that_owns_nothing_is_told_so(server: EmbeddedPostgres) -> None:
    with server._connect("postgres") as superuser:
        superuser.execute("GRANT CONNECT ON DATABASE books TO clerk")

    with pytest.raises(LoginsMissing, match="ALTER DATABASE"):
        ensure_logins(url_of(server, "clerk", "books"))


def known(connection: psycopg.Connection, login: str) -> bool:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,))
    return found.fetchone() is not None
