"""Which mail answers a letter: the only place where new and duplicate signers are told apart."""

from dataclasses import dataclass

from pydantic import JsonValue

from app.crypto.hashing import Hasher
from app.mail.queue import Draft
from app.petitions.deciding import Decision, Verdict
from app.petitions.opening import OpenedLetter

CONFIRM = "confirm_signature"
ALREADY = "already_signed"
FULL = "mailbox_full"


@dataclass(frozen=True, slots=True)
class MailWriter:
    """Writes the draft that goes to the address as it was typed this time."""

    public_url: str
    hasher: Hasher

    def draft(self, letter: OpenedLetter, verdict: Verdict) -> Draft:
        """To confirm, that it was confirmed before, or that the mailbox has no place left; with a link."""
        person = verdict.standing
        if person is None:
            raise ValueError("a verdict names the signature that stands")
        page = "confirm" if person.state == "pending" else "my"
        token = self.hasher.link_token(person.signature_id, person.link_version)
        link = f"{self.public_url}/{page}/{token}"
        confirm = verdict.decision is not Decision.FULL and person.state == "pending"
        kind = CONFIRM if confirm else FULL if verdict.decision is Decision.FULL else ALREADY
        facts: dict[str, JsonValue] = (
            {"link": link, "expires_at": person.expires_at.isoformat()} if confirm else {"manage_link": link}
        )
        return Draft(
            kind=kind,
            campaign_id=letter.campaign_id,
            to=letter.text("email"),
            locale=letter.text("locale"),
            values={"name": letter.text("name"), "publisher": letter.publisher, **facts},
            subject_id=person.signature_id,
        )
