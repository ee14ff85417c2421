"""What a signer does with their link, for pages and API alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.campaigns.published import wordings_in_force
from app.core.db import Database
from app.core.errors import AppError
from app.core.text import clean_text
from app.crypto.sealing import Sealer
from app.petitions.errors import ConsentRequired, ConsentUnknown
from app.petitions.letterbox import post
from app.petitions.linking import Change, Confirmer, MySignature, change, read_my_signature, withdraw
from app.petitions.signing import Answer, clean_name
from app.supporters.identity import normalise_postcode

COMMENT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """A change as it was asked for, unchecked; None leaves a part as it is."""

    name: str | None = None
    postcode: str | None = None
    show_name: str | None = None
    comment: str | None = None
    hide: bool = False
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class SignerActions:
    """Confirm, look, change, withdraw: each by the token of the link that was mailed."""

    database: Database
    confirmer: Confirmer
    sealer: Sealer

    async def confirm(self, token: str) -> str:
        """Confirm the signature; returns its petition's slug. Raises as `Confirmer.confirm`."""
        return await self.confirmer.confirm(token)

    async def look(self, token: str) -> MySignature:
        """What is held. Raises LinkUnknown."""
        async with self.database.begin() as session:
            return await read_my_signature(session, token)

    async def change(self, token: str, wish: Wish) -> MySignature:
        """Change what the signer wants changed; what is public follows within seconds.

        Raises:
            LinkUnknown: There is no such link.
            SignatureEnded: Nothing is held any more.
            TextMissing, InvalidText, InvalidPostcode: A part cannot be taken.
            ConsentUnknown: An answer fits no wording in force.
            ConsentRequired: An answer takes back what a signature stands on.
        """
        async with self.database.begin() as session:
            mine = await read_my_signature(session, token)
            offered = await wordings_in_force(session, mine.campaign_id)
            consents = []
            for answer in wish.answers:
                wording = offered.get(answer.purpose)
                if wording is None or wording.version != answer.wording_version:
                    raise ConsentUnknown(field="consents")
                if wording.required and not answer.given:
                    raise ConsentRequired(
                        "To take this consent back, withdraw the signature.", field="consents"
                    )
                consents.append((wording.id, answer.given))
            wanted = Change(
                name=None if wish.name is None else clean_name(wish.name),
                postcode=None if wish.postcode is None else _postcode(wish.postcode, mine),
                show_name=None if wish.show_name is None else clean_name(wish.show_name, "shown_name"),
                comment=_comment(wish.comment) if wish.comment else None,
                hide=wish.hide,
                consents=consents,
            )
            # In this very transaction: were the letter lost, the two copies would differ for ever.
            await post(session, [await change(session, self.sealer, token, wanted)])
        return await self.look(token)

    async def withdraw(self, token: str) -> str:
        """Withdraw; returns the state the signature was in. Raises LinkUnknown."""
        async with self.database.begin() as session:
            return await withdraw(session, token)


def _comment(value: str) -> str:
    try:
        return clean_text(value, COMMENT_LENGTH)
    except AppError as error:
        error.field = "comment"
        raise


def _postcode(value: str, mine: MySignature) -> str:
    country = mine.details.get("country", "")
    return normalise_postcode(value) if value.strip() and country == "GB" else ""
