"""The letterbox: the public role drops sealed letters in and can read none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import DatabaseUnavailable
from app.core.group_commit import GroupCommit
from app.petitions.surging import CommitTimes

CHANNEL = "haven_intake"

# The notification rides along: whoever listens is woken when, and only when, the letters are committed.
_INSERT = text("""
    with posted as (
      insert into intake (id, petition_id, kind, sealed)
      select * from unnest(cast(:ids as uuid[]), cast(:petitions as int[]), cast(:kinds as text[]),
                           cast(:sealed as bytea[])))
    select pg_notify(:channel, '')
""")
# The same as psycopg takes it; in binary, for sealed bytes written as text are twice as long.
_INSERT_ALONE: LiteralString = """
    with posted as (
      insert into intake (id, petition_id, kind, sealed)
      select * from unnest(%(ids)b::uuid[], %(petitions)b::int[], %(kinds)b::text[], %(sealed)b::bytea[]))
    select pg_notify(%(channel)b::text, '')
"""


@dataclass(frozen=True, slots=True)
class SealedLetter:
    """A form, sealed: only the worker can read it."""

    id: UUID
    petition_id: int
    kind: str
    sealed: bytes


async def post(session: AsyncSession, letters: Sequence[SealedLetter]) -> None:
    """Drop letters in, in a transaction of the caller's; the worker wakes when it commits."""
    await session.execute(_INSERT, _columns(letters))


def _columns(letters: Sequence[SealedLetter]) -> dict[str, object]:
    return {
        "channel": CHANNEL,
        "ids": [letter.id for letter in letters],
        "petitions": [letter.petition_id for letter in letters],
        "kinds": [letter.kind for letter in letters],
        "sealed": [letter.sealed for letter in letters],
    }


class Letterbox:
    """Takes letters durably: `put` returns after the commit that holds the letter.

    Letters that wait at the same time share one transaction; one that breaks it is found and fails alone.

    Attributes:
        capacity: How many letters may wait; one more gets `Overloaded`.
        commits: How long the transactions take.
        is_away: The database was, when a transaction was last tried.
    """

    def __init__(self, database: Database, *, capacity: int = 2000, batch: int = 200) -> None:
        self._connection = database.own_connection()
        self.capacity = capacity
        self.commits = CommitTimes()
        self.is_away = False
        self._writer: GroupCommit[SealedLetter, None] = GroupCommit(
            self._write, capacity=capacity, batch=batch
        )

    @property
    def waiting(self) -> int:
        """How many letters wait for the next transaction."""
        return self._writer.waiting

    def start(self) -> None:
        """Start the writer on the running loop."""
        self._writer.start()

    async def stop(self, patience: float = 5.0) -> None:
        """Take no more letters and write those that wait, for at most `patience` seconds."""
        await self._writer.stop(patience)
        await self._connection.close()

    async def put(self, letter: SealedLetter) -> None:
        """Store a letter.

        Raises:
            Overloaded: Too many wait; the letter is not stored.
            DatabaseUnavailable: The database is away. The letter is not stored, or nobody knows: the
                connection was lost before the commit was answered. To send the form again is harmless.
        """
        await self._writer.put(letter)

    async def _write(self, letters: Sequence[SealedLetter]) -> list[None]:
        try:
            with self.commits.timed():
                await self._connection.run(_INSERT_ALONE, _columns(letters))
        except DatabaseUnavailable:
            self.is_away = True
            raise
        self.is_away = False
        return [None] * len(letters)
