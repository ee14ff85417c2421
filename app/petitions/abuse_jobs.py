"""Jobs against abuse: quarantine what came before a network was known for what it is, forget origins."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from app.core.db import Database
from app.jobs.running import Job
from app.petitions.judging import QUARANTINE_EARLIER
from app.petitions.proof_of_work import FORGET as FORGET_CHALLENGES
from app.petitions.signals import FORGET
from app.petitions.sweeping import FORGET_CONDITIONS
from app.petitions.watching import FORGET as FORGET_REPORTS

ORIGINS_KEPT = timedelta(days=29, hours=22)
"""Afterwards a signature loses the hashes of its network and domain, reports about them go, and sweeps lose
what they looked for; with the hourly job, within 30 days."""
_BATCH = 2_000
_QUARANTINE = text("select quarantine_network(:network, cast(:domain as bytea), :points, :releases, :most)")
_FORGET_ORIGINS = text("select forget_origins(cast(:after as uuid), now() - cast(:kept as interval), :most)")


def abuse_jobs(database: Database) -> list[Job]:
    """What the worker runs."""

    async def quarantine_earlier(network: str, points: int, releases: int, domain: str = "") -> None:
        hashes = {"network": bytes.fromhex(network), "domain": bytes.fromhex(domain) or None}
        values = {**hashes, "points": points, "releases": bool(releases)}
        while True:
            async with database.begin() as session:
                done = await session.scalar(_QUARANTINE, {**values, "most": _BATCH})
            if (done or 0) < _BATCH:
                return

    async def forget_signals(timestamp: int) -> None:  # noqa: ARG001 - procrastinate tells the minute
        async with database.begin() as session:
            await session.execute(FORGET)

    async def forget_origins(timestamp: int) -> None:  # noqa: ARG001 - as above
        after: UUID | None = None
        while True:
            async with database.begin() as session:
                values = {"after": after, "kept": ORIGINS_KEPT, "most": _BATCH}
                after = await session.scalar(_FORGET_ORIGINS, values)
            if after is None:  # it takes one signature of each page at a time
                break
        async with database.begin() as session:
            await session.execute(FORGET_REPORTS, {"kept": ORIGINS_KEPT})
            await session.execute(FORGET_CONDITIONS, {"kept": ORIGINS_KEPT})

    async def forget_challenges(timestamp: int) -> None:  # noqa: ARG001 - as above
        async with database.begin() as session:
            await session.execute(FORGET_CHALLENGES)

    return [
        Job("challenges:forget", forget_challenges, cron="*/5 * * * *", attempts=1),
        Job(QUARANTINE_EARLIER, quarantine_earlier),
        Job("signals:forget", forget_signals, cron="27 3 * * *", attempts=3),
        # Its last days are counted by the hour.
        Job("signatures:forget_origins", forget_origins, cron="37 * * * *", attempts=3),
    ]
