"""The jobs of this domain, wired."""

from app.core.db import Database
from app.crypto.sealing import Opener, Sealer
from app.donations.gateway import PaymentGateway
from app.donations.inbox import HANDLE
from app.donations.receipts import Receipts
from app.donations.settlement import Settlement
from app.donations.sweeper import Sweeper
from app.jobs.running import Job

SWEEP = "donations:sweep"


def donation_jobs(
    *, database: Database, gateway: PaymentGateway, sealer: Sealer, opener: Opener, public_url: str
) -> list[Job]:
    """What the worker runs for donations: each event as it comes, and the sweeper every minute."""
    receipts = Receipts(sealer=sealer, opener=opener, public_url=public_url)
    settlement = Settlement(database=database, gateway=gateway, receipts=receipts)
    sweeper = Sweeper(database=database, gateway=gateway, settlement=settlement, receipts=receipts)
    return [
        Job(HANDLE, settlement.handle_event),
        Job(SWEEP, sweeper.sweep, cron="* * * * *", attempts=1),
    ]
