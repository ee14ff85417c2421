"""What people answer when they sign: sets of answers that many give alike, each written once."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import bindparam


class AnswerSet(NamedTuple):
    """How the answers came (`form`, `api`), and pairs of wording id and answer, in the order of the ids."""

    via: str
    answers: tuple[tuple[int, bool], ...]


_WANTED = "jsonb_to_recordset(:sets) as x (via text, wordings int[], given bool[])"
_FIND = text(f"""
    select a.id, a.via, a.wordings, a.given from answer_sets a join {_WANTED} using (via, wordings, given)
""").bindparams(bindparam("sets", type_=JSONB))  # noqa: S608 - built from constants
_ADD = text(f"""
    insert into answer_sets (via, wordings, given) select via, wordings, given from {_WANTED}
     order by 1, 2, 3 on conflict do nothing
""").bindparams(bindparam("sets", type_=JSONB))  # noqa: S608 - as above


async def register_answers(session: AsyncSession, seen: Collection[AnswerSet]) -> dict[AnswerSet, int]:
    """The ids of these sets, written where they are new."""
    known = await _find(session, seen)
    missing = set(seen) - set(known)
    if missing:
        await session.execute(_ADD, {"sets": _as_json(missing)})
        known |= await _find(session, missing)
    return known


async def _find(session: AsyncSession, seen: Collection[AnswerSet]) -> dict[AnswerSet, int]:
    rows = await session.execute(_FIND, {"sets": _as_json(seen)})
    return {AnswerSet(row.via, tuple(zip(row.wordings, row.given, strict=True))): int(row.id) for row in rows}


def _as_json(sets: Collection[AnswerSet]) -> list[dict[str, object]]:
    return [
        {"via": s.via, "wordings": [w for w, _ in s.answers], "given": [g for _, g in s.answers]}
        for s in sets
    ]
