"""How signatures were judged, as it lies in the database and is told to nobody."""

from dataclasses import dataclass

import psycopg

from app.supporters.identity import fold_email
from tests.chaos.evidence import Evidence
from tests.journeys.people import Person
from tests.journeys.running import Running

_THEIRS = """
    select s.score, s.quarantined_at is not null, s.state, s.network_hash
      from signatures s where s.supporter_id = %s
"""


@dataclass(frozen=True)
class Judged:
    """One signature."""

    score: int
    apart: bool
    state: str
    network: bytes | None


def judged(running: Running, superuser: psycopg.Connection, somebody: Person) -> Judged:
    """Somebody's one signature."""
    row = superuser.execute("select id from campaigns").fetchone()
    assert row is not None
    wanted = Evidence(running).hasher.supporter(row[0], fold_email(somebody.email).folded)
    [(score, apart, state, network)] = superuser.execute(_THEIRS, [wanted]).fetchall()
    return Judged(score, apart, state, bytes(network) if network else None)
