"""How often somebody may try to log in: counted before the password is looked at, by the database's clock.

An attempt is booked as failed and committed first, and given back if it succeeds. So however many arrive at
the same time, no more than the limit come through, and a crash in between leaves the count too high rather
than too low.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.crypto.hashing import Hasher
from app.jobs.running import Job
from app.staff.errors import LoginLocked


@dataclass(frozen=True, slots=True)
class Patience:
    """So many attempts are free; then each further one locks for twice as long, up to a limit (seconds)."""

    free: int
    first_lock: int
    longest_lock: int


FOR_ADDRESS = Patience(free=5, first_lock=60, longest_lock=3600)
FOR_NETWORK = Patience(free=30, first_lock=60, longest_lock=900)
"""Wider and shorter: a whole office may stand behind one address."""

_FORGOTTEN = "1 day"
_BATCH = 1_000

_NEXT = f"case when a.last_at < clock_timestamp() - interval '{_FORGOTTEN}' then 1 else a.failures + 1 end"
_LOCK = f"""
  case when ({_NEXT}) >= :free
       then clock_timestamp() + least(:first_lock * power(2, least(({_NEXT}) - :free, 20)), :longest_lock)
            * interval '1 second' end
"""
_BOOK = text(f"""
insert into login_attempts as a (key_hash, failures, last_at) values (:key, 1, clock_timestamp())
on conflict (key_hash) do update
   set failures = {_NEXT}, last_at = clock_timestamp(), locked_until = {_LOCK}
 where a.locked_until is null or a.locked_until <= clock_timestamp()
returning locked_until is not null
""")  # noqa: S608 - built from constants
_WAIT = text("""
select greatest(1, ceil(extract(epoch from locked_until - clock_timestamp())))::int
  from login_attempts where key_hash = :key
""")
_GIVE_BACK = text("""
update login_attempts
   set failures = greatest(failures - 1, 0),
       locked_until = case when failures - 1 >= :free then locked_until end
 where key_hash = :key
""")
_FORGET = text(f"""
delete from login_attempts where key_hash in (
  select key_hash from login_attempts where last_at < clock_timestamp() - interval '{_FORGOTTEN}'
   order by last_at limit {_BATCH} for update skip locked)
returning 1
""")  # noqa: S608 - built from constants


@dataclass(frozen=True, slots=True)
class Attempt:
    """One booked attempt; `locks` says that if it fails, the next has to wait."""

    address_key: bytes
    network_key: bytes
    locks: bool


async def book(session: AsyncSession, hasher: Hasher, email: str, network: str) -> Attempt:
    """Count an attempt for an address, known or not, and for the network it comes from.

    The network is locked first, then the address: always in this order, so that two cannot block each other.

    Raises:
        LoginLocked: One of the two has to wait; nothing is counted.
    """
    network_key, address_key = hasher.login(f"network {network}"), hasher.login(f"address {email}")
    await _book(session, network_key, FOR_NETWORK)
    locks = await _book(session, address_key, FOR_ADDRESS)
    return Attempt(address_key, network_key, locks)


def attempt_jobs(database: Database) -> list[Job]:
    """What the worker runs: attempts are forgotten an hour after they no longer count, whoever logs in."""

    async def forget(timestamp: int) -> None:  # noqa: ARG001 - procrastinate tells the minute
        while True:
            async with database.begin() as session:
                gone = list(await session.scalars(_FORGET))
            if len(gone) < _BATCH:
                return

    return [Job("login_attempts:forget", forget, cron="57 * * * *", attempts=1)]


async def give_back(session: AsyncSession, attempt: Attempt) -> None:
    """The attempt succeeded: the address starts afresh, the network is as it was before."""
    await session.execute(_GIVE_BACK, {"key": attempt.network_key, "free": FOR_NETWORK.free})
    await session.execute(
        text("delete from login_attempts where key_hash = :key"), {"key": attempt.address_key}
    )


async def _book(session: AsyncSession, key: bytes, patience: Patience) -> bool:
    limits = {
        "free": patience.free,
        "first_lock": patience.first_lock,
        "longest_lock": patience.longest_lock,
    }
    locks = await session.scalar(_BOOK, {"key": key, **limits})
    if locks is None:
        raise LoginLocked(retry_after=await session.scalar(_WAIT, {"key": key}) or 1)
    return bool(locks)
