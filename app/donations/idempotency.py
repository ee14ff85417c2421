"""One donation for one key of one caller, however often it is sent.

Neither key, caller nor body is kept, only their HMACs under the public role's own key. The answer is rebuilt:
even the donation's token is derived, so that whoever repeats a request gets the same link again.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tokens import TOKEN_BYTES
from app.donations.errors import IdempotencyKeyInvalid, IdempotencyMismatch
from app.donations.models import IdempotencyKey

KEPT_HOURS = 24
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """Which donation a request belongs to, and whether it is the first to come with its key."""

    donation_id: UUID
    is_first: bool


class Keys:
    """Idempotency keys under the public role's form key."""

    def __init__(self, form_key: bytes) -> None:
        self._form_key = form_key

    async def claim(
        self,
        session: AsyncSession,
        *,
        caller: str,
        key: str,
        body: Mapping[str, JsonValue],
        donation_id: UUID,
    ) -> Claim:
        """Take the key for a donation, or find the one that has it; waits for a request that is taking it.

        Raises:
            IdempotencyKeyInvalid: The key is empty, too long or not printable ASCII.
            IdempotencyMismatch: The key came with another body before.
        """
        if not (1 <= len(key) <= _LONGEST and key.isascii() and key.isprintable()):
            raise IdempotencyKeyInvalid
        key_hash = self._hash("key", caller, key)
        body_hash = self._hash("body", json.dumps(dict(body), sort_keys=True))
        statement = (
            insert(IdempotencyKey)
            .values(key_hash=key_hash, body_hash=body_hash, donation_id=donation_id)
            .on_conflict_do_nothing(index_elements=["key_hash"])
            .returning(IdempotencyKey.donation_id)
        )
        if await session.scalar(statement) is not None:
            return Claim(donation_id, is_first=True)
        query = select(IdempotencyKey.donation_id, IdempotencyKey.body_hash)
        earlier = (await session.execute(query.where(IdempotencyKey.key_hash == key_hash))).one()
        if not hmac.compare_digest(earlier.body_hash, body_hash):
            raise IdempotencyMismatch
        return Claim(earlier.donation_id, is_first=False)

    def token(self, key: str, donation_id: UUID) -> str:
        """The token of the donation that a key made: the same whenever it is asked for."""
        digest = self._hash("donation-token", key, str(donation_id))
        return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).decode("ascii")

    def _hash(self, *parts: str) -> bytes:
        message = b"".join(len(p).to_bytes(4, "big") + p for p in (part.encode() for part in parts))
        return hmac.digest(self._form_key, b"haven:donations:1" + message, "sha256")


async def forget_old_keys(session: AsyncSession) -> None:
    """Delete keys older than a day; what they made stays."""
    age = text(f"interval '{KEPT_HOURS} hours'")
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - age))
