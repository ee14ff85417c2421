"""How the system itself does: what waits, what failed. Every count stops at a limit."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COUNTED_UP_TO = 10_000
SLOW_SECONDS = 60
"""A letter older than this, or an event of Stripe's, waits for a worker that is not there."""

FAILURE_DAYS = 7

_HEALTH = text(f"""
select
  (select count(*) from (select from intake limit :most) x) as letters_waiting,
  (select coalesce(extract(epoch from now() - min(received_at)), 0)::int
     from (select received_at from intake limit :most) x) as oldest_letter_seconds,
  (select count(*) from (select from intake_rejected limit :most) x) as letters_rejected,
  (select count(*) from (select from mails where state in ('queued', 'sending') limit :most) x)
     as mails_queued,
  (select count(*) from (select from mails where state in ('queued', 'sending')
      and next_attempt_at <= now() limit :most) x) as mails_due,
  (select count(*) from (select from mails where state = 'failed'
      and ended_at > now() - interval '{FAILURE_DAYS} days' limit :most) x) as mails_failed,
  (select count(*) from (select from mails where state = 'bounced'
      and ended_at > now() - interval '{FAILURE_DAYS} days' limit :most) x) as mails_bounced,
  (select count(*) from (select from stripe_events where handled_at is null limit :most) x)
     as events_unhandled,
  (select coalesce(extract(epoch from now() - min(received_at)), 0)::int
     from stripe_events where handled_at is null) as oldest_event_seconds
""")  # noqa: S608 - built from constants


@dataclass(frozen=True, slots=True)
class Health:
    """Counts reach COUNTED_UP_TO and stop there; failures are those of the last seven days."""

    letters_waiting: int
    oldest_letter_seconds: int
    letters_rejected: int
    mails_queued: int
    mails_failed: int
    mails_bounced: int
    events_unhandled: int
    oldest_event_seconds: int
    mails_due: int

    @property
    def concerns(self) -> list[str]:
        """What somebody should look at; bounces are no concern: people mistype addresses."""
        slow_letters = self.oldest_letter_seconds > SLOW_SECONDS
        slow_events = self.oldest_event_seconds > SLOW_SECONDS
        found = (
            (slow_letters, "Letters have waited for more than a minute: is a worker running?"),
            (self.letters_rejected > 0, "Letters could not be resolved and are kept for you to look at."),
            (self.mails_failed > 0, "Mails could not be delivered to the mail server."),
            (slow_events, "Stripe’s events have waited for more than a minute: is a worker running?"),
        )
        return [sentence for is_so, sentence in found if is_so]


async def read_health(session: AsyncSession) -> Health:
    """Look at every queue once."""
    row = (await session.execute(_HEALTH, {"most": COUNTED_UP_TO})).mappings().one()
    return Health(**row)
