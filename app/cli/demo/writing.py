"""Write a batch of invented people: COPY for the rows, then the counter and tallies that belong to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from app.cli.demo.booking import write_donations
from app.cli.demo.loading import Loaded
from app.cli.demo.packing import SHOWN_COLUMNS, SIGNATURE_COLUMNS, Known, Packed, TallyKey

_COUNT = """
    insert into petition_counts as c (petition_id, counted, changed_at) values (%s, %s, now())
    on conflict (petition_id) do update set counted = c.counted + excluded.counted, changed_at = now()
"""
# In the order that the worker and `confirm_signatures` take their locks in: the counter, then tallies by key.
_TALLY = """
    insert into tallies as t (petition_id, dimension, value, utc_hour, signed, confirmed, withdrawn, lapsed)
    select %s, d, v, h, s, c, w, l
      from unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::int[], %s::int[], %s::int[])
           x (d, v, h, s, c, w, l)
     order by d, v, h
    on conflict (petition_id, dimension, value, utc_hour) do update
       set signed = t.signed + excluded.signed, confirmed = t.confirmed + excluded.confirmed,
           withdrawn = t.withdrawn + excluded.withdrawn, lapsed = t.lapsed + excluded.lapsed
"""

_FIND_ANSWERS = "select id from answer_sets where via = %s and wordings = %s::int[] and given = %s::bool[]"
_ADD_ANSWERS = """
    insert into answer_sets as a (via, wordings, given) values (%s, %s::int[], %s::bool[]) returning a.id
"""
_VIAS = ("api", "form")
_FILLED = "signatures, published_signers, donations, ledger_postings, ledger_entries, tallies, tally_totals"


@dataclass(frozen=True, slots=True)
class BatchWriter:
    """Writes on the owner's connection; the caller's transaction makes a batch whole."""

    connection: psycopg.Connection
    loaded: Loaded

    def write(self, batch: Packed) -> None:
        """Rows first, counters last, so that the counter's row is locked only shortly."""
        self._copy(f"signatures ({SIGNATURE_COLUMNS})", batch.signatures)
        self._copy(f"published_signers ({SHOWN_COLUMNS})", batch.shown)
        write_donations(self.connection, self.loaded, batch.donors)
        self._count(batch.confirmed, batch.tallies)

    def finish(self) -> None:
        """Tell the planner what is there now."""
        self.connection.execute(f"analyze {_FILLED}".encode())

    def _copy(self, target: str, packed: bytes) -> None:
        statement = f"copy {target} from stdin (format binary)"
        with self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copying:
            copying.write(packed)

    def _count(self, confirmed: int, tallies: Mapping[TallyKey, list[int]]) -> None:
        petition_id = self.loaded.petition_id
        self.connection.execute(_COUNT, [petition_id, confirmed])
        columns = [[key[part] for key in tallies] for part in range(3)]
        counts = [[numbers[n] for numbers in tallies.values()] for n in range(4)]
        self.connection.execute(_TALLY, [petition_id, *columns, *counts])


def look_up(connection: psycopg.Connection, loaded: Loaded, key_version: int) -> Known:
    """The ids that rows will refer to; sets of answers that are not there yet are added."""
    return Known(
        petition_id=loaded.petition_id,
        text_version_id=loaded.text_version_id,
        key_version=key_version,
        placements=loaded.placement_ids,
        answers={
            (via, news): _answers(connection, loaded, via, wants_news=news)
            for via in _VIAS
            for news in (False, True)
        },
    )


def _answers(connection: psycopg.Connection, loaded: Loaded, via: str, *, wants_news: bool) -> int:
    wordings = loaded.wording_ids
    given = sorted({wordings["signature"]: True, wordings["updates"]: wants_news}.items())
    values = [via, [wording for wording, _ in given], [answer for _, answer in given]]
    row = connection.execute(_FIND_ANSWERS, values).fetchone()
    if row is None:
        row = connection.execute(_ADD_ANSWERS, values).fetchone()
    assert row is not None
    return int(row[0])
