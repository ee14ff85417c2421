"""What signers change about themselves by their link: what is shown, what is held, what they agree to.

The public role re-encrypts the supporter's own copy at once and drops a sealed letter of kind `change`;
the worker re-seals the installation's copy and publishes what the signer chose to show.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import JsonValue
from sqlalchemy import case, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tokens import LINK_HASH_BYTES
from app.crypto.details import is_of_first_kind
from app.crypto.details import key_of as details_key
from app.crypto.errors import CannotOpen
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.petitions.models import Petition, PublishedSigner, Signature
from app.petitions.opening import TakenLetter
from app.supporters.identity import fold_name, fold_place
from app.supporters.models import Consent

CHANGE = "change"
LIVE = ("pending", "confirmed")


class Changer:
    """Applies letters of kind `change`."""

    def __init__(self, opener: Opener, sealer: Sealer, hasher: Hasher) -> None:
        self._opener = opener
        self._sealer = sealer
        self._hasher = hasher

    async def apply(
        self, session: AsyncSession, letters: Sequence[TakenLetter]
    ) -> list[tuple[TakenLetter, str]]:
        """Apply each letter; returns those that cannot be read, with the reason."""
        if not letters:
            return []
        unreadable, readable = [], []
        for letter in letters:
            try:
                payload = self._opener.open(letter.sealed, letter.id)
                readable.append((bytes.fromhex(str(payload["link_hash"]))[:LINK_HASH_BYTES], payload))
            except (CannotOpen, KeyError, ValueError) as error:
                unreadable.append((letter, type(error).__name__))
        query = (
            select(Signature)
            .where(Signature.link_hash.in_([link_hash for link_hash, _ in readable]))
            .order_by(Signature.id)
            .with_for_update()
        )
        signatures = {bytes(s.link_hash): s for s in await session.scalars(query)}
        for link_hash, payload in readable:
            signature = signatures.get(link_hash)
            if signature is not None and signature.state in LIVE:
                await self._change(session, signature, payload)
        return unreadable

    async def _change(
        self, session: AsyncSession, signature: Signature, payload: Mapping[str, JsonValue]
    ) -> None:
        if isinstance(payload.get("details"), dict):
            await self._reseal(session, signature, cast("dict[str, str]", payload["details"]))
        if isinstance(payload.get("show"), dict) and signature.state == "confirmed":
            await _publish(session, signature, cast("dict[str, str | None]", payload["show"]))
        for wording_id, given in cast("list[list[int]]", payload.get("consents") or []):
            await session.execute(
                insert(Consent).values(
                    subject_id=signature.id,
                    wording_id=wording_id,
                    given=bool(given),
                    via="my",
                )
            )

    async def _reseal(self, session: AsyncSession, signature: Signature, details: dict[str, str]) -> None:
        campaign_id = await session.scalar(
            select(Petition.campaign_id).where(Petition.id == signature.petition_id)
        )
        if campaign_id is None:
            return
        postcode = details.get("postcode") or ""
        kept = {key: details.get(key) or "" for key in ("name", "email", "postcode")}
        if is_of_first_kind(signature.own_copy):  # the letter has waited since then
            signature.details_sealed = self._sealer.seal({**kept}, signature.id)
        else:  # the public role has encrypted the copy anew, under the key that the link leads to
            token = self._hasher.link_token(signature.id, signature.link_version)
            signature.details_sealed = self._sealer.seal_key(details_key(token), signature.id)
        signature.name_hash = self._hasher.name(campaign_id, fold_name(kept["name"]))
        signature.place_hash = (
            self._hasher.place(campaign_id, fold_place(signature.country, postcode)) if postcode else None
        )
        await session.flush()


async def _publish(session: AsyncSession, signature: Signature, show: Mapping[str, str | None]) -> None:
    """Show or hide. A changed comment waits for approval again; an unchanged one keeps it.

    The wish of somebody who does not count is stored all the same, for they are not told; it is shown to the
    public from when they count.
    """
    if not show.get("name"):
        await session.execute(delete(PublishedSigner).where(PublishedSigner.signature_id == signature.id))
        return
    statement = upsert(PublishedSigner).values(
        signature_id=signature.id,
        petition_id=signature.petition_id,
        name=show["name"],
        comment=show.get("comment") or None,
        shown=not (signature.quarantined_at or signature.invalidated_at),
    )
    changed = statement.excluded.comment.is_distinct_from(PublishedSigner.comment)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[PublishedSigner.signature_id],
            set_={
                "name": statement.excluded.name,
                "comment": statement.excluded.comment,
                "comment_approved_at": case((changed, None), else_=PublishedSigner.comment_approved_at),
            },
        )
    )
