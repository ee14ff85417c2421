"""Write what opened letters come to: supporters, signatures, consents, tallies and mail, set by set."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Placement
from app.campaigns.placing import register_placements
from app.core.tokens import hash_token
from app.crypto import own_copy
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer
from app.mail.allowance import lock as lock_allowance
from app.mail.allowance import save as save_allowance
from app.mail.queue import Draft, queue
from app.petitions.deciding import Decision, Person, Verdict, decide
from app.petitions.judging import NEUTRAL, NOBODY_JUDGED, Judgement, columns_of
from app.petitions.models import Signature
from app.petitions.opening import OpenedLetter
from app.petitions.tallying import Marginal, count_signed, marginals
from app.petitions.writing_mail import MailWriter
from app.supporters.models import Consent, Suppression

LIFETIME = timedelta(days=7)
"""How long a signature may wait for its confirmation."""

# The upsert finds, makes and locks in one statement: between two, a withdrawal could take the row away.
_LOCK_SUPPORTERS = text("""
    insert into supporters as s (campaign_id, email_hash, key_version)
    select c, h, :key_version from unnest(cast(:campaigns as int[]), cast(:hashes as bytea[])) x (c, h)
     order by c, h
    on conflict (campaign_id, email_hash) do update set id = s.id
    returning s.campaign_id, s.email_hash, s.id
""")
_END = text("select end_signatures(cast(:ids as uuid[]), false)")

Row: TypeAlias = dict[str, Any]
"""A row to insert; its values are of the table's own types."""


@dataclass(slots=True)
class _Batch:
    """What one transaction is about to write."""

    signatures: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    signed: Counter[Marginal] = field(default_factory=Counter)


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
        supporters = await _lock_supporters(session, letters, self.hasher.key_version)
        allowance = await lock_allowance(session, {x.mail_hash for x in letters})
        people = await _people(session, letters, supporters)
        placements = await register_placements(
            session, {(x.campaign_id, x.text("placement")) for x in letters if x.text("placement")}
        )
        suppressed = await _suppressed(session, letters)
        batch = _Batch()
        for letter in letters:
            supporter_id = supporters[letter.campaign_id, letter.email_hash]
            known = people[letter.petition_id, supporter_id]
            place = placements.get((letter.campaign_id, letter.text("placement")))
            judgement = judged.get(letter.id, NEUTRAL)
            verdict = decide(known, letter.name_hash, letter.text("country"), letter.place_hash)
            if verdict.decision is Decision.NEW:
                row = self._add(batch, letter, supporter_id, verdict.number, place)
                row |= columns_of(judgement, letter.received_at)
                known.append(_as_person(row))
                verdict = Verdict(Decision.NEW, standing=known[-1])
            writes = judgement.writes and letter.mail_hash not in suppressed
            if writes and allowance.take(letter.mail_hash):
                batch.drafts.append(self.mail.draft(letter, verdict))
        await self._write(session, batch)
        await save_allowance(session, allowance)

    def _add(
        self, batch: _Batch, letter: OpenedLetter, supporter_id: int, number: int, place: Placement | None
    ) -> Row:
        row = self._signature(letter, supporter_id, number, place)
        batch.signatures.append(row)
        batch.signed.update(
            marginals(
                letter.petition_id,
                country=row["country"],
                region=letter.region,
                placement=place.slug if place else None,
                locale=row["locale"],
            )
        )
        batch.consents += [
            {
                "supporter_id": supporter_id,
                "subject_id": letter.id,
                "wording_id": wording_id,
                "given": given,
                "via": letter.text("via"),
            }
            for wording_id, given in letter.consents
        ]
        return row

    def _signature(
        self, letter: OpenedLetter, supporter_id: int, number: int, place: Placement | None
    ) -> Row:
        token = self.hasher.link_token(letter.id, 1)
        details = {key: letter.text(key) for key in ("name", "email", "postcode")}
        return {
            "id": letter.id,
            "petition_id": letter.petition_id,
            "supporter_id": supporter_id,
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
            "details_sealed": self.sealer.seal(details, letter.id),
            "own_copy": own_copy.encrypt(token, {**details, "country": letter.text("country")}),
            "link_hash": hash_token(token),
            "link_version": 1,
            "signed_at": letter.received_at,
            "expires_at": letter.received_at + LIFETIME,
        }

    async def _write(self, session: AsyncSession, batch: _Batch) -> None:
        if batch.signatures:
            await session.execute(insert(Signature).inline(), batch.signatures)
        if batch.consents:
            await session.execute(insert(Consent).inline(), batch.consents)
        await count_signed(session, batch.signed)
        await queue(session, self.sealer, batch.drafts)


async def _lock_supporters(
    session: AsyncSession, letters: Sequence[OpenedLetter], key_version: int
) -> dict[tuple[int, bytes], int]:
    """Find or make each letter's supporter and lock the rows, in one order, until the transaction ends."""
    wanted = sorted({(x.campaign_id, x.email_hash) for x in letters})
    found = await session.execute(
        _LOCK_SUPPORTERS,
        {"campaigns": [c for c, _ in wanted], "hashes": [h for _, h in wanted], "key_version": key_version},
    )
    return {(c, bytes(h)): i for c, h, i in found}


async def _people(
    session: AsyncSession, letters: Sequence[OpenedLetter], supporters: dict[tuple[int, bytes], int]
) -> dict[tuple[int, int], list[Person]]:
    """The live signatures of these supporters on these petitions, the first person first."""
    pairs = {(x.petition_id, supporters[x.campaign_id, x.email_hash]) for x in letters}
    theirs = tuple_(Signature.petition_id, Signature.supporter_id).in_(pairs)
    await _end_expired(session, theirs)
    found: dict[tuple[int, int], list[Person]] = defaultdict(list)
    for s in await session.scalars(select(Signature).where(theirs).order_by(Signature.person_number)):
        if s.supporter_id is not None and s.name_hash is not None:
            person = Person(
                s.id,
                s.person_number,
                s.state,
                s.link_version,
                s.expires_at,
                s.name_hash,
                s.country,
                s.place_hash,
            )
            found[s.petition_id, s.supporter_id].append(person)
    return found


async def _end_expired(session: AsyncSession, theirs: ColumnElement[bool]) -> None:
    """End those who did not confirm in time, so that they can sign again.

    They are locked first: one that is being confirmed at this very moment is waited for, and stays.
    """
    query = (
        select(Signature.id)
        .where(theirs, Signature.state == "pending", Signature.expires_at <= func.now())
        .order_by(Signature.id)
        .with_for_update()
    )
    expired = list(await session.scalars(query))
    if expired:
        await session.execute(_END, {"ids": expired})


def _as_person(row: Row) -> Person:
    signature_id: UUID = row["id"]
    return Person(
        signature_id,
        row["person_number"],
        "pending",
        1,
        row["expires_at"],
        row["name_hash"],
        row["country"],
        row["place_hash"],
    )


async def _suppressed(session: AsyncSession, letters: Sequence[OpenedLetter]) -> set[bytes]:
    hashes = {x.mail_hash for x in letters}
    query = select(Suppression.address_hash).where(Suppression.address_hash.in_(hashes))
    return {bytes(h) for h in await session.scalars(query)}
