"""At most three mails about signing to one address in six hours, over all petitions.

Whoever types a stranger's address again and again must not fill that mailbox.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import LiteralString

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_binary

MOST = 3
WINDOW = timedelta(hours=6)

# The upsert locks each address's row, in the order of the hashes, so that two workers take turns. An address
# that is new here nearly always gets its first mail: it is written down at once, and taken back if not.
_LOCK: LiteralString = """
    insert into mail_allowances as m (address_hash, queued_at)
    select h, array[now()] from unnest(%(hashes)b::bytea[]) h order by h
    on conflict (address_hash) do update set address_hash = m.address_hash
    returning m.address_hash, m.queued_at, now(), xmax = 0
"""
_SAVE: LiteralString = """
    update mail_allowances m
       set queued_at = (select coalesce(array_agg(t), '{}') from unnest(m.queued_at) t
                         where t > now() - %(window)b::interval) || array_fill(now(), array[x.mails])
      from unnest(%(hashes)b::bytea[], %(mails)b::int[]) x (hash, mails) where m.address_hash = x.hash
"""
_TAKE_BACK: LiteralString = """
    update mail_allowances set queued_at = '{}' where address_hash = any (%(hashes)b::bytea[])
"""


class Allowance:
    """What may still be queued in this transaction, for the addresses it has locked."""

    def __init__(self, queued: Mapping[bytes, Sequence[datetime]], fresh: Collection[bytes] = ()) -> None:
        self._left = {address: MOST - len(times) for address, times in queued.items()}
        self.taken: Counter[bytes] = Counter()
        self.fresh = frozenset(fresh)

    def take(self, address_hash: bytes) -> bool:
        """Whether one more mail may go; if so, it is counted."""
        if self._left.get(address_hash, 0) <= 0:
            return False
        self._left[address_hash] -= 1
        self.taken[address_hash] += 1
        return True


async def lock(session: AsyncSession, hashes: Collection[bytes]) -> Allowance:
    """Lock these addresses' rows until the transaction ends, and say what each may still get."""
    rows = await run_binary(session, _LOCK, {"hashes": sorted(set(hashes))})
    queued = {
        address: [] if is_new else [at for at in times if at > now - WINDOW]
        for address, times, now, is_new in rows
    }
    return Allowance(queued, [address for address, _, _, is_new in rows if is_new])


async def save(session: AsyncSession, allowance: Allowance) -> None:
    """Store what was taken."""
    written = Counter(dict.fromkeys(allowance.fresh, 1))
    further = sorted((allowance.taken - written).items())
    if further:
        values = {"hashes": [h for h, _ in further], "mails": [n for _, n in further], "window": WINDOW}
        await run_binary(session, _SAVE, values)
    if unused := sorted(allowance.fresh - allowance.taken.keys()):
        await run_binary(session, _TAKE_BACK, {"hashes": unused})
