"""The database logins of the roles: who they are, their passwords, and what every one of them may do.

Grants on tables are the migrations'. Here is what stands before any table: the logins themselves, who may
connect, and who may look into the schema.
"""

import base64
import hashlib
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql

OWNER = "haven_owner"
PUBLIC = "haven_public"
INTERNAL = "haven_internal"
LOGINS = (OWNER, PUBLIC, INTERNAL)
SERVING = (PUBLIC, INTERNAL)


class LoginsMissing(RuntimeError):
    """The serving logins are not there and the owner may not make them; `sql` is what a superuser runs."""

    def __init__(self, reason: str, statements: str = "") -> None:
        self.sql = statements
        super().__init__(f"{reason}\n{statements}" if statements else reason)


def derive_login_url(owner_url: str, login: str) -> str:
    """The address of a serving login on the owner's host and database.

    Its password is made from the owner's by scrypt, salted with the login's name, so that every process
    that knows the owner's address (and no other) comes to the same. The owner's password must be random:
    whoever holds a derived one could try guesses of it.

    Raises:
        LoginsMissing: The owner's address holds no password to derive from.
    """
    parts = urlsplit(owner_url)
    if not parts.password:
        raise LoginsMissing(
            "HAVEN_DATABASE_URL holds no password to derive the serving logins' passwords from: put one "
            "into it, or set HAVEN_PUBLIC_DATABASE_URL and HAVEN_INTERNAL_DATABASE_URL."
        )
    key = hashlib.scrypt(unquote(parts.password).encode(), salt=login.encode(), n=2**14, r=8, p=1, dklen=24)
    password = base64.urlsafe_b64encode(key).decode("ascii")
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{login}:{quote(password, safe='')}@{host}").geturl()


def ensure_logins(owner_url: str, *, public_url: str | None = None, internal_url: str | None = None) -> None:
    """Make the two serving logins work, and let nobody else connect; may be repeated.

    A login that cannot connect by its address (given, or derived from the owner's) is made or gets its
    password, when the owner's login may do that.

    Raises:
        LoginsMissing: The owner's login may not make logins, or the database is not its own.
        psycopg.OperationalError: The owner's address leads nowhere.
    """
    urls = {
        PUBLIC: public_url or derive_login_url(owner_url, PUBLIC),
        INTERNAL: internal_url or derive_login_url(owner_url, INTERNAL),
    }
    with psycopg.connect(_libpq(owner_url), autocommit=True, connect_timeout=10) as connection:
        if not _may_create_in_public(connection):
            raise LoginsMissing(
                f"The login {connection.info.user} may not make tables in the schema public; as a superuser:",
                f"ALTER DATABASE {_name(connection.info.dbname, connection)} OWNER TO "
                f"{_name(connection.info.user, connection)};",
            )
        waiting = {login: url for login, url in urls.items() if not _connects(url)}
        if waiting and not _may_make_logins(connection):
            raise LoginsMissing(
                "The login of HAVEN_DATABASE_URL may not make the serving logins. Run this as a superuser:",
                "\n".join(_by_hand(connection, login, url) for login, url in waiting.items()),
            )
        for login, url in waiting.items():
            write_login(connection, login, _password_of(url))
        restrict_database(connection, connection.info.user)
    still = [login for login, url in urls.items() if not _connects(url)]
    if still:
        raise LoginsMissing(f"{' and '.join(still)} cannot connect; look at pg_hba.conf and CONNECT rights.")


def write_login(connection: psycopg.Connection, login: str, password: str) -> None:
    """Make a login without any power of its own, or set it right; the server sees only a SCRAM verifier."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
    connection.execute(_statement(connection, login, password, "ALTER" if known else "CREATE"))


def restrict_database(connection: psycopg.Connection, owner: str) -> None:
    """Let only the owner and the serving logins connect; nobody else may look into the schema public."""
    names = {
        "database": sql.Identifier(connection.info.dbname),
        "owner": sql.Identifier(owner),
        "serving": sql.SQL(", ").join(map(sql.Identifier, SERVING)),
    }
    with connection.transaction():
        for statement in (
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            "REVOKE ALL ON DATABASE {database} FROM {serving}",
            "GRANT CONNECT ON DATABASE {database} TO {owner}, {serving}",
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {serving}",
        ):
            connection.execute(sql.SQL(statement).format(**names))


def _statement(connection: psycopg.Connection, login: str, password: str, verb: str) -> sql.Composed:
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    # No attribute besides LOGIN is the default; naming NOCREATEDB and the like takes those very rights.
    return sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
        sql.SQL(verb), sql.Identifier(login), sql.Literal(verifier.decode("ascii"))
    )


def _by_hand(connection: psycopg.Connection, login: str, url: str) -> str:
    create = _statement(connection, login, _password_of(url), "CREATE").as_string(connection)
    database = _name(connection.info.dbname, connection)
    return (
        f"{create};  -- ALTER ROLE where it is there already\n"
        f"GRANT CONNECT ON DATABASE {database} TO {login};"
    )


def _name(name: str, connection: psycopg.Connection) -> str:
    return sql.Identifier(name).as_string(connection)


def _may_make_logins(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return row is not None and bool(row[0])


def _may_create_in_public(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()
    return row is not None and bool(row[0])


def _connects(url: str) -> bool:
    try:
        psycopg.connect(_libpq(url), connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _password_of(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def _libpq(url: str) -> str:
    """The address as libpq reads it, without SQLAlchemy's name of the driver."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"
