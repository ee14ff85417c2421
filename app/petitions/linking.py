"""What the holder of a signature's link may do at once: look, confirm, change, withdraw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.errors import AppError
from app.core.group_commit import GroupCommit
from app.core.ids import new_id
from app.core.tokens import link_hash, well_formed
from app.crypto.details import decrypt, encrypt, key_of
from app.crypto.sealing import Sealer
from app.petitions.changing import CHANGE
from app.petitions.errors import LinkExpired, LinkUnknown, SignatureEnded
from app.petitions.letterbox import SealedLetter

_READ = text("""
    select r.*, p.slug, p.campaign_id from read_signature(:hash) r join petitions p on p.id = r.petition_id
""")
_CONFIRM: Final = """
    select link_hash, outcome, petition_slug, petition, count_now from confirm_signatures(%(hashes)b)
"""
_AMEND = text("select amend_signature(:hash, :copy)")
_WITHDRAW = text("select withdraw_signature(:hash)")


@dataclass(frozen=True, slots=True)
class MySignature:
    """Everything that is held about a signature's person, opened with their own token.

    Attributes:
        details: name, email, postcode and country as entered; empty once the signature has ended.
        consents: The latest answer to each purpose: purpose, version, text by
            language, given, recorded_at.
    """

    petition_id: int
    petition_slug: str
    campaign_id: int
    state: str
    locale: str
    signed_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    details: dict[str, str] = field(repr=False)
    shown_name: str | None = field(repr=False)
    shown_comment: str | None = field(repr=False)
    comment_approved: bool
    text_version: int
    placement: str | None
    region: str | None
    consents: tuple[dict[str, Any], ...]  # rows as PostgreSQL's jsonb gives them

    @property
    def is_live(self) -> bool:
        """Whether anything about the person is still held."""
        return self.state in ("pending", "confirmed")


@dataclass(frozen=True, slots=True)
class Change:
    """What a signer wants changed; None leaves a part as it is. A repr shows nothing personal."""

    name: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    show_name: str | None = field(default=None, repr=False)
    comment: str | None = field(default=None, repr=False)
    hide: bool = False
    consents: Sequence[tuple[int, bool]] = ()


async def read_my_signature(session: AsyncSession, token: str) -> MySignature:
    """The signature that a link opens.

    Raises:
        LinkUnknown: There is none.
    """
    if not well_formed(token):
        raise LinkUnknown
    row = (await session.execute(_READ, {"hash": link_hash(token)})).mappings().one_or_none()
    if row is None:
        raise LinkUnknown
    details = decrypt(token, bytes(row["own_copy"])) if row["own_copy"] is not None else {}
    return MySignature(
        petition_id=row["petition_id"],
        petition_slug=row["slug"],
        campaign_id=row["campaign_id"],
        state=row["state"],
        locale=row["locale"],
        signed_at=row["signed_at"],
        expires_at=row["expires_at"],
        confirmed_at=row["confirmed_at"],
        ended_at=row["ended_at"],
        details=details,
        shown_name=row["shown_name"],
        shown_comment=row["shown_comment"],
        comment_approved=row["comment_approved_at"] is not None,
        text_version=row["text_version"],
        placement=row["placement"],
        region=row["region"],
        consents=tuple(row["consents"]),
    )


class Confirmer:
    """Confirms signatures, those that come together in one transaction.

    Args:
        counted: Told a petition's id and its count after each transaction that may have changed it.
    """

    def __init__(
        self,
        database: Database,
        counted: Callable[[int, int], None] = lambda _petition_id, _count: None,
        *,
        capacity: int = 2000,
        batch: int = 200,
    ) -> None:
        self._connection = database.own_connection()
        self._counted = counted
        self._writer: GroupCommit[bytes, tuple[str | None, str]] = GroupCommit(
            self._write, capacity=capacity, batch=batch
        )

    def start(self) -> None:
        """Start the writer on the running loop."""
        self._writer.start()

    async def stop(self, patience: float = 5.0) -> None:
        """Finish what waits, for at most `patience` seconds."""
        await self._writer.stop(patience)
        await self._connection.close()

    async def confirm(self, token: str) -> str:
        """Confirm the signature of a link; once or many times, it counts once. Returns the petition's slug.

        Raises:
            LinkUnknown: There is no such link.
            LinkExpired: It was not used in seven days.
            SignatureEnded: The signature was withdrawn.
            Overloaded: Too many wait, or the database is away; if the connection was lost before the commit
                was answered, nobody knows what changed. To confirm again is harmless.
        """
        if not well_formed(token):
            raise LinkUnknown
        outcome, slug = await self._writer.put(link_hash(token))
        problems: dict[str | None, type[AppError]] = {
            None: LinkUnknown,
            "expired": LinkExpired,
            "lapsed": LinkExpired,
            "withdrawn": SignatureEnded,
        }
        if outcome in problems:
            raise problems[outcome]
        return slug

    async def _write(self, hashes: Sequence[bytes]) -> list[tuple[str | None, str]]:
        rows = await self._connection.run(_CONFIRM, {"hashes": sorted(set(hashes))})
        outcomes: dict[bytes, tuple[str | None, str]] = {}
        counts: dict[int, int] = {}
        for of_link, outcome, slug, petition_id, count in rows:
            outcomes[of_link] = (outcome, slug)
            counts[petition_id] = count
        for petition_id, count in counts.items():
            self._counted(petition_id, count)
        return [outcomes.get(h, (None, "")) for h in hashes]


async def withdraw(session: AsyncSession, token: str) -> str:
    """Withdraw a signature and destroy what is held about its person; returns the state it was in.

    Raises:
        LinkUnknown: There is no such link.
    """
    if not well_formed(token):
        raise LinkUnknown
    was = await session.scalar(_WITHDRAW, {"hash": link_hash(token)})
    if was is None:
        raise LinkUnknown
    return str(was)


async def change(session: AsyncSession, sealer: Sealer, token: str, wanted: Change) -> SealedLetter:
    """Amend the signer's own copy, and write the letter that makes the rest follow; the caller posts it.

    Raises:
        LinkUnknown: There is no such link.
        SignatureEnded: Nothing is held any more.
    """
    mine = await read_my_signature(session, token)
    if not mine.is_live:
        raise SignatureEnded
    payload: dict[str, JsonValue] = {"link_hash": link_hash(token).hex()}
    given = {"name": wanted.name, "postcode": wanted.postcode}
    details = mine.details | {key: value for key, value in given.items() if value is not None}
    if details != mine.details:
        payload["details"] = {**details}
        copy = encrypt(key_of(token), details)
        await session.execute(_AMEND, {"hash": link_hash(token), "copy": copy})
    if wanted.hide:
        payload["show"] = {"name": None, "comment": None}
    elif wanted.show_name is not None:
        payload["show"] = {"name": wanted.show_name, "comment": wanted.comment}
    if wanted.consents:
        payload["consents"] = [[wording_id, int(given)] for wording_id, given in wanted.consents]
    letter_id: UUID = new_id()
    return SealedLetter(letter_id, mine.petition_id, CHANGE, sealer.seal(payload, letter_id))
