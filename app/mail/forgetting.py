"""Forget mails that are done with, and allowances whose window is over; counts of the former stay."""

from datetime import timedelta

from sqlalchemy import text

from app.core.db import Database
from app.jobs.running import Job
from app.mail.allowance import WINDOW

KEPT = timedelta(days=2)
"""After it was sent or cancelled: long enough to look into "I got no mail"."""
UNDELIVERED_KEPT = timedelta(days=30)
"""After it bounced or failed: staff see those of the last seven days."""
BATCH = 2_000

_MAILS = text("select forget_mails(:after, :kept, :undelivered, :most)")
# By key, so that a batch reads no more than it looks at; what a worker has in hand waits for the next hour.
_ALLOWANCES = text("""
    with looked_at as (
      select address_hash, queued_at from mail_allowances where address_hash > :after
       order by address_hash limit :most),
    gone as (
      delete from mail_allowances m using (
        select a.address_hash from mail_allowances a join looked_at l using (address_hash)
         where not exists (select from unnest(a.queued_at) t where t > now() - cast(:window as interval))
           for update of a skip locked) due
       where m.address_hash = due.address_hash)
    select max(encode(address_hash, 'hex')) from looked_at
""")


async def forget_mails(
    database: Database, *, kept: timedelta = KEPT, undelivered: timedelta = UNDELIVERED_KEPT
) -> None:
    """Delete what ended long enough ago, in batches, each its own transaction."""
    after: int | None = 0
    while after is not None:
        async with database.begin() as session:
            values = {"after": after, "kept": kept, "undelivered": undelivered, "most": BATCH}
            after = await session.scalar(_MAILS, values)


async def forget_allowances(database: Database, *, window: timedelta = WINDOW) -> None:
    """Delete the allowances of addresses that were last mailed before the window, in batches."""
    after: str | None = ""
    while after is not None:
        async with database.begin() as session:
            values = {"after": bytes.fromhex(after), "window": window, "most": BATCH}
            after = await session.scalar(_ALLOWANCES, values)


def mail_jobs(database: Database) -> list[Job]:
    """What the worker runs."""

    async def mails(timestamp: int) -> None:  # noqa: ARG001 - procrastinate tells the minute
        await forget_mails(database)

    async def allowances(timestamp: int) -> None:  # noqa: ARG001 - as above
        await forget_allowances(database)

    return [
        Job("mails:forget", mails, cron="47 * * * *", attempts=1),
        Job("mail_allowances:forget", allowances, cron="17 * * * *", attempts=1),
    ]
