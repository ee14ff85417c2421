"""Write what opened letters come to: signatures, tallies and mail, set by set."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Placement
from app.campaigns.placing import register_placements
from app.core.db import copy_rows, run_binary
from app.core.tokens import link_hash
from app.crypto import details
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer
from app.mail.allowance import lock as lock_allowance
from app.mail.allowance import save as save_allowance
from app.mail.queue import Draft, queue
from app.petitions.deciding import Decision, Person, Verdict, decide, idle
from app.petitions.judging import NEUTRAL, NOBODY_JUDGED, Judgement, columns_of
from app.petitions.opening import OpenedLetter
from app.petitions.tallying import Where, count_signed, spread, take_turns
from app.petitions.writing_mail import MailWriter
from app.supporters.answering import register_answers

LIFETIME = timedelta(days=7)
"""How long a signature may wait for its confirmation."""
_AT_LEAST = timedelta(days=1)
"""From its mail on, where the letter has waited for days: nothing may lapse before anybody looked for it."""

# Workers take turns at an address by its allowance. What they find there stays until they are done: whoever
# withdraws meanwhile waits, whoever was quicker is not found.
_THEIRS: LiteralString = """
    select s.petition_id, s.supporter_id, s.state = 'pending' and s.expires_at <= now(),
           s.id, s.person_number, s.state, s.link_version, s.signed_at, s.expires_at, s.name_hash, s.country,
           s.place_hash
      from unnest(%(petitions)b::int[], %(supporters)b::uuid[]) x (petition, supporter)
      join signatures s on s.petition_id = x.petition and s.supporter_id = x.supporter
     where s.name_hash is not null order by s.id for key share of s
"""
_PERSON_NUMBER = 4
"""Its place among the columns."""
_LOCK_PENDING = text("""
    select id from signatures
     where id = any (cast(:ids as uuid[])) and state = 'pending'
       and (expires_at <= now() or not cast(:expired as boolean))
     order by id for update
""")
_NOW = text("select now()")
_SUPPRESSED: LiteralString = """
    select address_hash from suppressions where address_hash = any (%(hashes)b::bytea[])
"""
_SIGNATURE = {
    "id": "uuid",
    "petition_id": "int4",
    "supporter_id": "uuid",
    "person_number": "int2",
    "text_version_id": "int4",
    "state": "text",
    "country": "text",
    "region": "text",
    "placement_id": "int4",
    "locale": "text",
    "name_hash": "bytea",
    "place_hash": "bytea",
    "key_version": "int2",
    "details_sealed": "bytea",
    "own_copy": "bytea",
    "link_hash": "bytea",
    "link_version": "int2",
    "signed_at": "timestamptz",
    "expires_at": "timestamptz",
    "network_hash": "bytea",
    "domain_hash": "bytea",
    "score": "int2",
    "confirming_releases": "bool",
    "quarantined_at": "timestamptz",
    "answers_id": "int4",
}
_END = text("select end_signatures(cast(:ids as uuid[]))")

Row: TypeAlias = dict[str, Any]
"""A row to insert; its values are of the table's own types."""


@dataclass(slots=True)
class _Batch:
    """What one transaction is about to write."""

    signatures: list[tuple[OpenedLetter, Row]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    signed: Counter[Where] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Decides about each letter of a batch and writes the outcome."""

    sealer: Sealer
    hasher: Hasher
    mail: MailWriter

    async def record(
        self,
        session: AsyncSession,
        letters: Sequence[OpenedLetter],
        judged: Mapping[UUID, Judgement] = NOBODY_JUDGED,
    ) -> None:
        """Write a batch of opened letters in the session's transaction, each as it was judged."""
        if not letters:
            return
        allowance = await lock_allowance(session, {x.mail_hash for x in letters})
        people = await _people(session, letters)
        placements = await register_placements(
            session, {(x.campaign_id, x.text("placement")) for x in letters if x.text("placement")}
        )
        answers = await register_answers(session, {x.answers for x in letters if x.answers.answers})
        suppressed = await _suppressed(session, letters)
        now = await session.scalar(_NOW) or letters[0].received_at
        batch, petitions = _Batch(), {x.petition_id for x in letters}
        for letter in letters:
            known = people[letter.petition_id, letter.supporter_id]
            place = placements.get((letter.campaign_id, letter.text("placement")))
            judgement = judged.get(letter.id, NEUTRAL)
            verdict = await _judge(session, letter, known, now, petitions)
            if verdict.decision is Decision.NEW:
                row = self._add(batch, letter, verdict.number, place, now)
                row |= columns_of(judgement, letter.received_at) | {"answers_id": answers.get(letter.answers)}
                known.append(_as_person(row, now))
                verdict = Verdict(Decision.NEW, standing=known[-1])
            writes = judgement.writes and letter.mail_hash not in suppressed
            if writes and allowance.take(letter.mail_hash):
                draft = self.mail.draft(letter, verdict)
                batch.drafts.append(replace(draft, yields=judgement.score.is_quarantined))
        await self._write(session, batch)
        await save_allowance(session, allowance)

    def _add(
        self, batch: _Batch, letter: OpenedLetter, number: int, place: Placement | None, now: datetime
    ) -> Row:
        row = self._signature(letter, number, place)
        row["expires_at"] = max(letter.received_at + LIFETIME, now + _AT_LEAST)
        batch.signatures.append((letter, row))
        slug = place.slug if place else None
        batch.signed[letter.petition_id, row["country"], letter.region, slug, row["locale"]] += 1
        return row

    def _signature(self, letter: OpenedLetter, number: int, place: Placement | None) -> Row:
        return {
            "id": letter.id,
            "petition_id": letter.petition_id,
            "supporter_id": letter.supporter_id,
            "person_number": number,
            "text_version_id": letter.payload["text_version_id"],
            "state": "pending",
            "country": letter.text("country"),
            "region": letter.region,
            "placement_id": place.id if place else None,
            "locale": letter.text("locale"),
            "name_hash": letter.name_hash,
            "place_hash": letter.place_hash,
            "key_version": self.hasher.key_version,
            "link_version": 1,
            "signed_at": letter.received_at,
        }

    def _all_sealed(self, signatures: Sequence[tuple[OpenedLetter, Row]]) -> list[tuple[object, ...]]:
        return [self._sealed(letter, row) for letter, row in signatures]

    def _sealed(self, letter: OpenedLetter, row: Row) -> tuple[object, ...]:
        """The whole row, in the order of the columns, with what is personal sealed."""
        token = self.hasher.link_token(letter.id, 1)
        key = details.key_of(token)
        whole = row | {
            "details_sealed": self.sealer.seal_key(key, letter.id),
            "own_copy": details.encrypt(key, {name: letter.text(name) for name in details.FIELDS}),
            "link_hash": link_hash(token),
        }
        return tuple(whole[column] for column in _SIGNATURE)

    async def _write(self, session: AsyncSession, batch: _Batch) -> None:
        # In a thread, for it takes longer than others on this loop should wait.
        signatures = await asyncio.to_thread(self._all_sealed, batch.signatures)
        if signatures:
            await copy_rows(session, "signatures", _SIGNATURE, signatures)
        await count_signed(session, spread(batch.signed))
        await queue(session, self.sealer, batch.drafts)


async def _judge(
    session: AsyncSession,
    letter: OpenedLetter,
    known: list[Person],
    now: datetime,
    petitions: Collection[int],
) -> Verdict:
    """Decide about one letter; where all places are taken, whoever has been idle gives way first."""
    verdict = decide(known, letter.name_hash, letter.text("country"), letter.place_hash)
    if verdict.decision is Decision.FULL and (waiting := idle(known, now)):
        ids = [person.signature_id for person in waiting]
        ended = await _end(session, ids, petitions, expired=False)
        known[:] = [person for person in known if person.signature_id not in ended]
        return decide(known, letter.name_hash, letter.text("country"), letter.place_hash)
    return verdict


async def _people(
    session: AsyncSession, letters: Sequence[OpenedLetter]
) -> dict[tuple[int, UUID], list[Person]]:
    """The live signatures of these supporters on these petitions, the first person first.

    Those who did not confirm in time are ended before, so that they can sign again.
    """
    pairs = sorted({(x.petition_id, x.supporter_id) for x in letters})
    theirs = {"petitions": [petition for petition, _ in pairs], "supporters": [who for _, who in pairs]}
    rows = await run_binary(session, _THEIRS, theirs)
    if expired := [person[0] for _, _, has_expired, *person in rows if has_expired]:
        await _end(session, expired, {petition for petition, _ in pairs}, expired=True)
        rows = await run_binary(session, _THEIRS, theirs)
    found: dict[tuple[int, UUID], list[Person]] = defaultdict(list)
    for petition_id, supporter_id, _, *person in sorted(rows, key=itemgetter(_PERSON_NUMBER)):
        found[petition_id, supporter_id].append(Person(*person))
    return found


async def _end(
    session: AsyncSession, ids: Sequence[UUID], petitions: Collection[int], *, expired: bool
) -> set[UUID]:
    """End unconfirmed signatures, so that their people can sign again; returns which have ended.

    They are locked first: one that is being confirmed at this very moment is waited for, and stays. With
    `expired`, so does one whose time is not over. `petitions` are all whose figures the batch will move.
    """
    ended = list(await session.scalars(_LOCK_PENDING, {"ids": list(ids), "expired": expired}))
    if ended:
        await take_turns(session, petitions)
        await session.execute(_END, {"ids": ended})
    return set(ended)


def _as_person(row: Row, now: datetime) -> Person:
    """A signature that this batch is about to write; it has only just come, however old its letter is."""
    return Person(
        signature_id=row["id"],
        number=row["person_number"],
        state="pending",
        link_version=1,
        signed_at=now,
        expires_at=row["expires_at"],
        name_hash=row["name_hash"],
        country=row["country"],
        place_hash=row["place_hash"],
    )


async def _suppressed(session: AsyncSession, letters: Sequence[OpenedLetter]) -> set[bytes]:
    hashes = sorted({x.mail_hash for x in letters})
    return {address_hash for (address_hash,) in await run_binary(session, _SUPPRESSED, {"hashes": hashes})}
