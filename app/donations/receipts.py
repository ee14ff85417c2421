"""What a donor is mailed: a receipt, or that nothing was charged where they could be in doubt."""

from datetime import datetime

import structlog
from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign, Wording
from app.core.languages import pick
from app.crypto.errors import CannotOpen
from app.crypto.sealing import Opener, Sealer
from app.donations.appeals import receivers_at
from app.donations.models import Appeal, Donation
from app.donations.returning import reference_of
from app.mail.queue import Draft, queue

_log = structlog.get_logger(__name__)


class Receipts:
    """Queues donors' mails in the transaction that settles.

    Args:
        public_url: Where the links of the mails lead.
    """

    def __init__(self, *, sealer: Sealer, opener: Opener, public_url: str) -> None:
        self._sealer = sealer
        self._opener = opener
        self._public_url = public_url

    async def queue_receipt(self, session: AsyncSession, donation: Donation, *, charged_at: datetime) -> None:
        """The receipt: who received what and when, and the terms as they were agreed to."""
        receivers = await receivers_at(session, donation.appeal_id, charged_at)
        wording = await session.scalar(select(Wording.text).where(Wording.id == donation.wording_id))
        values: dict[str, JsonValue] = {
            "beneficiaries": [{"name": r.name, "charity_number": r.charity_number} for r in receivers],
            "donated_at": charged_at.isoformat(),
            "terms": pick(wording or {}, donation.locale),
        }
        await self._queue(session, donation, "donation_receipt", values)

    async def queue_not_charged(self, session: AsyncSession, donation: Donation) -> None:
        """That no money was taken."""
        await self._queue(session, donation, "donation_failed", {})

    async def _queue(
        self, session: AsyncSession, donation: Donation, kind: str, more: dict[str, JsonValue]
    ) -> None:
        """Queue one mail. Without an address (erased, sealed to a lost key) money is settled all the same."""
        details = self._details(donation)
        email, token = details.get("email"), details.get("token")
        if not isinstance(email, str):
            _log.warning("donation_mail_impossible", donation_id=str(donation.id), kind=kind)
            return
        campaign = (
            await session.execute(
                select(Campaign.id, Campaign.publisher)
                .join(Appeal, Appeal.campaign_id == Campaign.id)
                .where(Appeal.id == donation.appeal_id)
            )
        ).one()
        values: dict[str, JsonValue] = {
            "name": details.get("name") or "",
            "publisher": campaign.publisher,
            "amount": {"amount_minor": donation.amount_minor, "currency": donation.currency},
            "reference": reference_of(donation.id),
            "link": f"{self._public_url}/donations/{token}",
            **more,
        }
        draft = Draft(
            kind=kind,
            campaign_id=campaign.id,
            to=email,
            locale=donation.locale,
            values=values,
            subject_id=donation.id,
        )
        await queue(session, self._sealer, [draft])

    def _details(self, donation: Donation) -> dict[str, JsonValue]:
        if donation.details_sealed is None:
            return {}
        try:
            return self._opener.open(donation.details_sealed, donation.id)
        except CannotOpen:
            return {}
