"""At most three mails about signing to one address in six hours, over all petitions.

Whoever types a stranger's address again and again must not fill that mailbox.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 3
WINDOW = timedelta(hours=6)

# The upsert locks each address's row, in the order of the hashes, so that two workers take turns.
_LOCK = text("""
    insert into mail_allowances as m (address_hash)
    select h from unnest(cast(:hashes as bytea[])) h order by h
    on conflict (address_hash) do update set address_hash = m.address_hash
    returning m.address_hash, m.queued_at, now()
""")
_SAVE = text("""
    update mail_allowances m set queued_at = m.queued_at || now()
      from unnest(cast(:hashes as bytea[])) h where m.address_hash = h
""")
_TRIM = text("""
    update mail_allowances m set queued_at = (select coalesce(array_agg(t), '{}') from unnest(m.queued_at) t
                                               where t > now() - cast(:window as interval))
     where m.address_hash = any (cast(:hashes as bytea[]))
""")


class Allowance:
    """What may still be queued in this transaction, for the addresses it has locked."""

    def __init__(self, queued: dict[bytes, list[datetime]]) -> None:
        self._left = {address: MOST - len(times) for address, times in queued.items()}
        self.taken: list[bytes] = []

    def take(self, address_hash: bytes) -> bool:
        """Whether one more mail may go; if so, it is counted."""
        if self._left.get(address_hash, 0) <= 0:
            return False
        self._left[address_hash] -= 1
        self.taken.append(address_hash)
        return True


async def lock(session: AsyncSession, hashes: Collection[bytes]) -> Allowance:
    """Lock these addresses' rows until the transaction ends, and say what each may still get."""
    rows = (await session.execute(_LOCK, {"hashes": sorted(set(hashes))})).all()
    return Allowance({bytes(a): [t for t in times if t > now - WINDOW] for a, times, now in rows})


async def save(session: AsyncSession, allowance: Allowance) -> None:
    """Store what was taken."""
    if not allowance.taken:
        return
    addresses = sorted(set(allowance.taken))
    await session.execute(_TRIM, {"hashes": addresses, "window": WINDOW})
    while allowance.taken:
        once = sorted(set(allowance.taken))
        await session.execute(_SAVE, {"hashes": once})
        for address in once:
            allowance.taken.remove(address)
