"""Write a batch of invented people: COPY for the rows, then the counter and tallies that belong to them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from app.cli.demo.booking import write_donations
from app.cli.demo.loading import Loaded
from app.cli.demo.making import Made
from app.petitions.tallying import marginals

_SIGNATURE_COLUMNS = (
    "id, petition_id, supporter_id, text_version_id, state, country, region, placement_id, locale, "
    "name_hash, place_hash, key_version, details_sealed, own_copy, link_hash, "
    "signed_at, expires_at, confirmed_at, ended_at, answers_id"
)

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

Row = Sequence[object]
TallyKey = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class BatchWriter:
    """Writes on the owner's connection; the caller's transaction makes a batch whole."""

    connection: psycopg.Connection
    loaded: Loaded
    key_version: int

    def write(self, people: Sequence[Made]) -> None:
        """Rows first, counters last, so that the counter's row is locked only shortly."""
        answers = self._answers(people)
        self._copy(
            f"signatures ({_SIGNATURE_COLUMNS})",
            (self._signature(m, answers) for m in people),
        )
        self._copy(
            "published_signers (signature_id, petition_id, name, comment, comment_approved_at, published_at)",
            (row for made in people for row in self._shown(made)),
        )
        write_donations(self.connection, self.loaded, people)
        self._count(people)

    def _copy(self, target: str, rows: Iterable[Row]) -> None:
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"copy {target} from stdin".encode()) as copying,
        ):
            for row in rows:
                copying.write_row(row)

    def _signature(self, made: Made, answers: Mapping[tuple[str, bool], int]) -> Row:
        signer, loaded = made.signer, self.loaded
        return (
            *(
                made.id,
                loaded.petition_id,
                made.supporter_id,
                loaded.text_version_id,
                signer.state,
                signer.country,
            ),
            *(signer.region, loaded.placement_ids.get(signer.placement or ""), signer.locale, made.name_hash),
            *(made.place_hash, self.key_version, made.details_sealed, made.own_copy, made.link_hash),
            *(signer.signed_at, signer.expires_at, signer.confirmed_at, signer.ended_at),
            answers[signer.via, signer.wants_news],
        )

    def _answers(self, people: Iterable[Made]) -> dict[tuple[str, bool], int]:
        """The ids of the sets of answers, by how they came and whether news are wanted."""
        wordings = self.loaded.wording_ids
        found = {}
        for via, wants_news in sorted({(made.signer.via, made.signer.wants_news) for made in people}):
            given = sorted({wordings["signature"]: True, wordings["updates"]: wants_news}.items())
            values = [via, [wording for wording, _ in given], [answer for _, answer in given]]
            row = self.connection.execute(_FIND_ANSWERS, values).fetchone()
            if row is None:
                row = self.connection.execute(_ADD_ANSWERS, values).fetchone()
            assert row is not None
            found[via, wants_news] = int(row[0])
        return found

    def _shown(self, made: Made) -> list[Row]:
        signer = made.signer
        if signer.showing is None:
            return []
        approved_at = signer.confirmed_at if signer.showing.comment and signer.showing.approved else None
        shown = (signer.showing.name, signer.showing.comment, approved_at, signer.confirmed_at)
        return [(made.id, self.loaded.petition_id, *shown)]

    def _count(self, people: Sequence[Made]) -> None:
        petition_id = self.loaded.petition_id
        confirmed = sum(made.signer.state == "confirmed" for made in people)
        self.connection.execute(_COUNT, [petition_id, confirmed])
        counted = tally(people, petition_id)
        columns = [[key[part] for key in counted] for part in range(3)]
        counts = [[numbers[n] for numbers in counted.values()] for n in range(4)]
        self.connection.execute(_TALLY, [petition_id, *columns, *counts])


def tally(people: Iterable[Made], petition_id: int) -> dict[TallyKey, list[int]]:
    """Signed, confirmed, withdrawn and lapsed by dimension, value and the hour in which each happened."""
    counted: defaultdict[TallyKey, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for made in people:
        signer = made.signer
        where = marginals(
            petition_id,
            country=signer.country,
            region=signer.region,
            placement=signer.placement,
            locale=signer.locale,
        )
        withdrawn_at = signer.ended_at if signer.state == "withdrawn" else None
        lapsed_at = signer.ended_at if signer.state == "lapsed" else None
        for event, at in enumerate((signer.signed_at, signer.confirmed_at, withdrawn_at, lapsed_at)):
            if at is not None:
                hour = at.replace(minute=0, second=0, microsecond=0)
                for marginal in where:
                    counted[marginal.dimension, marginal.value, hour][event] += 1
    return counted
