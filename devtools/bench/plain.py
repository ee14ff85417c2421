"""All the work of a signature in one transaction per request, as most people would write it first.

The same checks, folds, hashes, seals, score and rows as Haven's worker writes, without batches, without the
letterbox. It is given what favours it: no middleware, no log line, no look at a connection before its use,
counters last and in one order, so that their locks are short and nobody waits in a circle.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.campaigns.models import Placement
from app.core.db import Database, async_url
from app.core.ids import new_id
from app.core.tokens import link_hash
from app.crypto import details
from app.crypto.hashing import Hasher
from app.crypto.sealing import Sealer
from app.mail.models import Mail
from app.petitions.errors import LinkUnknown
from app.petitions.judging import Judge, Judgement, columns_of
from app.petitions.models import PetitionCount, Signature
from app.petitions.opening import OpenedLetter
from app.petitions.tallying import count_signed, marginals
from app.supporters.answering import AnswerSet, register_answers
from app.supporters.identity import fold_email, fold_name, fold_place
from app.supporters.regions import region_of

POOL = 14
_Pairs = list[list[int]]
_TALLY_CONFIRMED = text("""
    insert into tallies as t (petition_id, dimension, value, utc_hour, confirmed)
    select d.petition_id, d.dimension, d.value, date_trunc('hour', now(), 'UTC'), d.events
      from tally_dimensions(array[cast(:id as uuid)]) d
    on conflict (petition_id, dimension, value, utc_hour) do update set confirmed = t.confirmed + 1
""")


class Unsealed(Sealer):
    """In place of a sealer where nothing is to be sealed: keeps what it was given."""

    def __init__(self) -> None:
        self.payload: Mapping[str, JsonValue] = {}

    def seal(self, payload: Mapping[str, JsonValue], binding: UUID) -> bytes:  # noqa: ARG002 - nothing is bound
        """Nothing; see `payload`."""
        self.payload = payload
        return b""


class _Lent(Database):
    """The same connections for judging, with nothing around them."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction."""
        async with self._sessions() as session, session.begin():
            yield session


class PlainSigning:
    """Signs and confirms, one transaction each."""

    def __init__(self, owner_url: str, sealer: Sealer, hasher: Hasher, campaign_id: int) -> None:
        self._engine = create_async_engine(async_url(owner_url), pool_size=POOL, max_overflow=0)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False, autoflush=False)
        self._judge = Judge(_Lent(self._sessions), hasher)
        self._sealer = sealer
        self._hasher = hasher
        self._campaign_id = campaign_id

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def sign(self, row_id: UUID, petition_id: int, payload: Mapping[str, JsonValue]) -> None:
        """Everything that Haven's worker does about one new signer.

        As in the worker, the score has a short transaction of its own that does not wait for the disk: its
        counters are shared by all, and would otherwise be locked until this one ends.
        """
        judgement = await self._judged(row_id, petition_id, payload)
        async with self._sessions() as session, session.begin():
            folded = fold_email(str(payload["email"])).folded
            supporter_id = self._hasher.supporter(self._campaign_id, folded)
            known = await session.scalars(
                select(Signature.id).where(
                    Signature.petition_id == petition_id, Signature.supporter_id == supporter_id
                )
            )
            if known.first() is not None:
                return
            placement = await self._placement(session, payload.get("placement"))
            row = self._row(row_id, petition_id, payload)
            answers = AnswerSet("api", tuple((w, bool(g)) for w, g in cast("_Pairs", payload["consents"])))
            row["answers_id"] = (await register_answers(session, [answers]))[answers]
            row |= {"supporter_id": supporter_id, "placement_id": placement.id if placement else None}
            row |= columns_of(judgement, datetime.now(UTC))
            await session.execute(insert(Signature).values(row))
            await session.execute(insert(Mail).values(self._mail(row_id, payload)))
            await _count(session, petition_id)
            where = marginals(
                petition_id,
                country=str(payload["country"]),
                region=cast("str | None", row["region"]),
                placement=placement.slug if placement else None,
                locale=str(payload["locale"]),
            )
            await count_signed(session, Counter(where))

    async def confirm(self, token: str) -> int:
        """Confirm by a link's token; returns the new count."""
        async with self._sessions() as session, session.begin():
            found = await session.scalar(
                select(Signature).where(Signature.link_hash == link_hash(token)).with_for_update()
            )
            if found is None:
                raise LinkUnknown
            if found.state == "pending":
                change = update(Signature).where(Signature.id == found.id)
                await session.execute(change.values(state="confirmed", confirmed_at=func.now()))
                await _count(session, found.petition_id)
                await session.execute(_TALLY_CONFIRMED, {"id": found.id})
            query = select(PetitionCount.counted).where(PetitionCount.petition_id == found.petition_id)
            return int(await session.scalar(query) or 0)

    async def _judged(self, row_id: UUID, petition_id: int, payload: Mapping[str, JsonValue]) -> Judgement:
        folded = fold_email(str(payload["email"])).folded
        letter = OpenedLetter(
            id=row_id,
            petition_id=petition_id,
            campaign_id=self._campaign_id,
            received_at=datetime.now(UTC),
            payload=dict(payload),
            supporter_id=UUID(int=0),
            mail_hash=self._hasher.suppression(folded),
            name_hash=b"",
            place_hash=None,
            region=None,
            publisher="",
        )
        return (await self._judge.judge([letter]))[row_id]

    async def _placement(self, session: AsyncSession, slug: JsonValue) -> Placement | None:
        if not slug:
            return None
        query = select(Placement).where(Placement.campaign_id == self._campaign_id, Placement.slug == slug)
        return (await session.scalars(query)).one_or_none()

    def _row(self, row_id: UUID, petition_id: int, payload: Mapping[str, JsonValue]) -> dict[str, object]:
        country, postcode = str(payload["country"]), str(payload["postcode"])
        token = self._hasher.link_token(row_id, 1)
        key = details.key_of(token)
        place = fold_place(country, postcode) if postcode else None
        now = datetime.now(UTC)
        return {
            "id": row_id,
            "petition_id": petition_id,
            "text_version_id": payload["text_version_id"],
            "state": "pending",
            "country": country,
            "region": region_of(country, postcode or None),
            "locale": payload["locale"],
            "name_hash": self._hasher.name(self._campaign_id, fold_name(str(payload["name"]))),
            "place_hash": self._hasher.place(self._campaign_id, place) if place else None,
            "details_sealed": self._sealer.seal_key(key, row_id),
            "own_copy": details.encrypt(key, {name: str(payload[name] or "") for name in details.FIELDS}),
            "link_hash": link_hash(token),
            "signed_at": now,
            "expires_at": now + timedelta(days=7),
        }

    def _mail(self, row_id: UUID, payload: Mapping[str, JsonValue]) -> dict[str, object]:
        binding = new_id()
        link = f"http://127.0.0.1/confirm/{self._hasher.link_token(row_id, 1)}"
        values: dict[str, JsonValue] = {"name": payload["name"], "link": link}
        sealed = self._sealer.seal(
            {"to": payload["email"], "locale": payload["locale"], "values": values}, binding
        )
        return {
            "kind": "confirm_signature",
            "campaign_id": self._campaign_id,
            "subject_id": row_id,
            "message_id": str(binding),
            "payload_sealed": sealed,
            # Nobody is to deliver it: the worker that runs beside belongs to another measurement.
            "state": "sent",
        }


async def _count(session: AsyncSession, petition_id: int) -> None:
    statement = upsert(PetitionCount).values(petition_id=petition_id, counted=1)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["petition_id"], set_={"counted": PetitionCount.counted + 1}
        )
    )
