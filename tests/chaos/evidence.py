"""What the database of a run holds, read past every grant, and compared with what clients were told."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from app.core.tokens import link_hash
from app.crypto.hashing import Hasher
from app.crypto.keys import parse_key
from app.supporters.identity import fold_email, fold_name
from devtools.load.confirming import Caught
from devtools.load.people import Person
from tests.journeys.running import ROOT, Running

_STORED = """
    select s.supporter_id, s.name_hash, s.id, s.state, s.link_hash, s.link_version from signatures s
"""
_MAILS = "select m.message_id, m.state, m.subject_id from mails m where m.kind like any (%s)"
_CONFIRMED = """
    select (select count(*) from signatures where state = 'confirmed'),
           (select coalesce(sum(counted), 0) from petition_counts),
           (select coalesce(sum(confirmed - withdrawn - invalidated), 0) from tallies where dimension = 'all')
"""
_UNSETTLED = """
    select (select count(*) from intake) as letters,
           (select count(*) from mails where state in ('queued', 'sending')) as mails,
           (select count(*) from stripe_events where handled_at is null) as events
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A signature as it lies in the database."""

    id: UUID
    state: str
    link_hash: bytes
    token: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Reads one running Haven."""

    running: Running

    @property
    def hasher(self) -> Hasher:
        """With the run's own key."""
        return Hasher(parse_key((self.running.data / "keys" / "hash.key").read_text("ascii"), "hash key"))

    @property
    def internal_url(self) -> str:
        """The internal login's."""
        password = (self.running.data / "keys" / "haven_internal.password").read_text("ascii").strip()
        return f"postgresql://haven_internal:{password}@127.0.0.1:{self.running.ports['postgres']}/haven"

    def query(
        self, statement: LiteralString, *values: object
    ) -> list[tuple[Any, ...]]:  # columns of many types
        """All rows of a statement."""
        with psycopg.connect(self.running.superuser_url, connect_timeout=5) as connection:
            return connection.execute(statement, values or None).fetchall()

    def signatures_of(self, people: Iterable[Person]) -> dict[int, list[Stored]]:
        """Everybody's signatures, found by the keyed hashes of address and name.

        A signature of nobody among them is a failure.
        """
        [(campaign,)] = self.query("select campaign_id from petitions")
        hasher = self.hasher
        known = {
            (
                hasher.supporter(campaign, fold_email(p.email).folded),
                hasher.name(campaign, fold_name(p.name)),
            ): p.number
            for p in people
        }
        found: dict[int, list[Stored]] = {number: [] for number in known.values()}
        for supporter_id, name_hash, id_, state, stored_hash, version in self.query(_STORED):
            stored = Stored(id_, state, bytes(stored_hash), hasher.link_token(id_, version))
            assert link_hash(stored.token) == stored.link_hash
            found[known[supporter_id, bytes(name_hash)]].append(stored)
        return found

    def mails(self, *kinds: str) -> dict[str, tuple[str, UUID]]:
        """State and subject of every mail of these kinds, by its Message-ID as the catcher shows it."""
        rows = self.query(_MAILS, list(kinds))
        return {f"<{message_id}@127.0.0.1>": (state, subject) for message_id, state, subject in rows}

    def confirmed(self) -> tuple[int, int, int]:
        """Confirmed signatures: as rows, by the counter, by the tallies."""
        [(rows, counter, tallies)] = self.query(_CONFIRMED)
        return rows, counter, tallies

    async def settle(self, seconds: float, *, mails: bool = True) -> float:
        """Wait until no letter, no mail (if asked) and no event waits any more; says how long."""
        began = time.monotonic()
        left: tuple[Any, ...] | None = None
        while left != (0, 0, 0):
            assert time.monotonic() - began < seconds, f"letters, mails, events still wait: {left}"
            await asyncio.sleep(0.5)
            try:
                [left] = await asyncio.to_thread(self.query, _UNSETTLED)
                left = left if mails else (left[0], 0, left[2])
            except psycopg.OperationalError:
                left = None
        return time.monotonic() - began

    def selfcheck(self) -> dict[str, int]:
        """What `haven selfcheck --json` says, run as an operator runs it, by the internal login."""
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", "selfcheck", "--json"],
            env=outer | {"HAVEN_INTERNAL_DATABASE_URL": self.internal_url},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in (0, 1), done.stderr
        findings: dict[str, int] = json.loads(done.stdout)
        assert (done.returncode == 0) == (not any(findings.values())), done.stdout
        return findings

    def console(self) -> str:
        """What the supervisor has said."""
        return Path(self.running.data / "console").read_text("utf-8", "replace")


def repeated(mails: Iterable[Caught]) -> dict[str, int]:
    """Messages that came more than once, and how many times too often."""
    return {id_: times - 1 for id_, times in Counter(m.message_id for m in mails).items() if times > 1}
