"""The database of a run: embedded, or the one that HAVEN_DATABASE_URL names."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from app.core.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.core.logins import INTERNAL, PUBLIC, LoginsMissing, derive_login_url, ensure_logins
from devtools.run.child import Backoff
from devtools.run.environment import Addresses, read_setting
from devtools.run.say import CannotRun, say

HOLD = "hold-postgres"
"""As long as this file is in the data folder, a database that has died stays dead: to try life without it."""


class EmbeddedDatabase:
    """The embedded PostgreSQL, started again when it dies."""

    def __init__(self, data: Path, port: int, give_up: Callable[[], bool]) -> None:
        self.server = EmbeddedPostgres(data / "postgres", port, keys=data / "keys", say=say)
        self._give_up = give_up
        self._hold = data / HOLD
        self._backoff = Backoff()
        self._start_at: float | None = None

    def start(self) -> Addresses:
        """Start it and make the logins and the database.

        Raises:
            CannotRun: It does not start; the message says why.
        """
        try:
            self.server.start()
            self.server.wait_ready(give_up=self._give_up)
            self.server.bootstrap()
        except (EmbeddedPostgresError, psycopg.Error) as error:
            raise CannotRun(f"PostgreSQL does not start. {error}") from error
        return Addresses(self.server.owner_url, self.server.public_url, self.server.internal_url)

    def tend(self) -> None:
        """Notice that it died, say so, and start it again after a pause."""
        if self.server.running:
            return
        now = time.monotonic()
        if self._start_at is None:
            pause = self._backoff.next_pause()
            self._start_at = now + pause
            say(f"PostgreSQL ended; it starts again in {pause:g} s. Its log: {self.server.log}")
        elif now >= self._start_at and not self._hold.exists():
            self._start_at = None
            self._backoff.started_at = now
            try:
                self.server.start()
            except EmbeddedPostgresError as error:
                say(f"PostgreSQL does not start. {error}")
            else:
                say("PostgreSQL was started again")

    def stop(self) -> None:
        """Stop it within four seconds."""
        self.server.stop(fast=2.5, immediate=1.0)


class GivenDatabase:
    """Somebody else's PostgreSQL; nothing to start and nothing to stop."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def start(self) -> Addresses:
        """Derive the serving logins' addresses and make the logins where they are missing.

        Raises:
            CannotRun: The database cannot be reached, or the logins cannot be made; says what to run.
        """
        owner = read_setting(self._environment, "database_url")
        try:
            public = read_setting(self._environment, "public_database_url") or derive_login_url(owner, PUBLIC)
            internal = read_setting(self._environment, "internal_database_url") or derive_login_url(
                owner, INTERNAL
            )
            ensure_logins(owner, public_url=public, internal_url=internal)
        except LoginsMissing as error:
            raise CannotRun(str(error)) from error
        except psycopg.Error as error:
            raise CannotRun(f"The database of HAVEN_DATABASE_URL cannot be used: {error}") from error
        return Addresses(owner, public, internal)

    def tend(self) -> None:
        """Nothing: somebody else tends it."""

    def stop(self) -> None:
        """Nothing: it was running before."""
