"""Block and allow lists: networks and domains as staff name them, addresses by their keyed hash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.recording import record
from app.crypto.hashing import Hasher
from app.petitions.abuse_models import AbuseListEntry
from app.petitions.errors import ListEntryInvalid
from app.supporters.domains import domain_of
from app.supporters.identity import InvalidEmail, fold_email

BLOCK, ALLOW = "block", "allow"
KINDS = ("network", "domain", "address")
_WIDEST = {4: 8, 6: 16}
"""Bits of the widest network that can be listed: a slip of the pen must not hold up half the world."""

_MATCH = text("""
    select action, kind, given, address_hash from (
      select l.action, l.kind, n as given, null::bytea as address_hash
        from abuse_lists l join unnest(cast(:networks as text[])) n
          on l.kind = 'network' and l.network >>= n::cidr
      union all
      select l.action, l.kind, l.domain, null::bytea from abuse_lists l
       where l.kind = 'domain' and l.domain = any (cast(:domains as text[]))
      union all
      select l.action, l.kind, null, l.address_hash from abuse_lists l
       where l.kind = 'address' and l.address_hash = any (cast(:addresses as bytea[]))) x
""")

_ASK_WORK = text("""
    insert into proof_rules as r (petition_id, until)
    select id, now() + cast(:span as interval) from petitions where slug = :slug
    on conflict (petition_id) do update set until = excluded.until returning petition_id
""")


@dataclass(frozen=True, slots=True)
class Listed:
    """Which of a batch's networks, domains and addresses stand on a list."""

    found: frozenset[tuple[str, str, str | bytes]]

    def blocks(self, network: str, domain: str, address: bytes) -> bool:
        """Whether any of the three is blocked. What is both allowed and blocked is allowed."""
        given = (("network", network), ("domain", domain), ("address", address))
        return any(
            (BLOCK, kind, value) in self.found and (ALLOW, kind, value) not in self.found
            for kind, value in given
        )

    def allows(self, kind: str, value: str | bytes) -> bool:
        """Whether staff vouch for this one."""
        return (ALLOW, kind, value) in self.found


async def look_up(
    session: AsyncSession, networks: Collection[str], domains: Collection[str], addresses: Collection[bytes]
) -> Listed:
    """What the lists say, by one query for a batch."""
    values = {"networks": sorted(networks), "domains": sorted(domains), "addresses": sorted(addresses)}
    rows = await session.execute(_MATCH, values)
    return Listed(
        frozenset((action, kind, bytes(h) if h is not None else given) for action, kind, given, h in rows)
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list; of an address only the hash is known."""

    id: int
    action: str
    kind: str
    value: str
    note: str
    created_at: datetime


def value_of(kind: str, given: str, hasher: Hasher) -> str | bytes:
    """What staff typed, as the lists hold it; of an address its hash. Raises ListEntryInvalid."""
    typed = given.strip()
    try:
        if kind == "network":
            network = ip_network(typed)
            if network.prefixlen < _WIDEST[network.version]:
                raise ListEntryInvalid("This network is too wide to be put on a list.", field="value")
            return str(network)
        if kind == "domain":
            return domain_of(fold_email(f"nobody@{typed.removeprefix('@')}").deliver_to)
        if kind == "address":
            return hasher.suppression(fold_email(typed).folded)
    except (ValueError, InvalidEmail):
        raise ListEntryInvalid(f"This is no {kind}.", field="value") from None
    raise ListEntryInvalid(field="kind")


async def put_on_list(
    session: AsyncSession, action: str, kind: str, value: str | bytes, *, note: str, actor: str
) -> None:
    """Block or allow; what stood there for the same is replaced. Audited, without the address.

    Of two who do so at the same time the second one's word holds, and both are in the audit trail.
    """
    column = {"network": "network", "domain": "domain", "address": "address_hash"}[kind]
    same = getattr(AbuseListEntry, column) == value
    await session.execute(delete(AbuseListEntry).where(AbuseListEntry.kind == kind, same))
    values = {"action": action, "kind": kind, column: value, "note": note}
    replacing = (
        insert(AbuseListEntry)
        .values(values)
        .on_conflict_do_update(
            constraint="uq_abuse_lists_kind_network_domain_address_hash",
            set_={"action": action, "note": note},
        )
        .returning(AbuseListEntry.id)
    )
    entry: int | None = await session.scalar(replacing)
    # The trail is kept for good: networks and addresses stand on the list alone, and go with their line.
    shown = str(value) if kind == "domain" else ""
    details = {"kind": kind, "value": shown, "note": note}
    await record(session, actor, f"abuse:{kind}:{action}", f"abuse_list:{entry}", details)


async def take_off_list(session: AsyncSession, entry_id: int, *, actor: str) -> bool:
    """Remove a line; whether there was one."""
    gone = delete(AbuseListEntry).where(AbuseListEntry.id == entry_id).returning(AbuseListEntry.kind)
    kind = await session.scalar(gone)
    if kind is not None:
        await record(session, actor, f"abuse:{kind}:removed", f"abuse_list:{entry_id}")
    return kind is not None


async def ask_work(session: AsyncSession, slug: str, span: timedelta, *, actor: str) -> bool:
    """Have a petition ask for proof of work from now on, for so long; whether there is such a petition."""
    values = {"slug": slug, "span": span}
    petition_id: int | None = await session.scalar(_ASK_WORK, values)
    if petition_id is not None:
        details = {"hours": f"{span / timedelta(hours=1):g}"}
        await record(session, actor, "abuse:work:asked", f"petition:{petition_id}", details)
    return petition_id is not None


async def read_lists(session: AsyncSession, most: int = 1_000) -> list[Entry]:
    """Both lists, the newest first."""
    query = select(AbuseListEntry).order_by(AbuseListEntry.id.desc()).limit(most)
    return [
        Entry(e.id, e.action, e.kind, _shown(e), e.note, e.created_at) for e in await session.scalars(query)
    ]


def _shown(entry: AbuseListEntry) -> str:
    if entry.address_hash is not None:
        return f"hash {entry.address_hash.hex()[:12]}…"
    return str(entry.network or entry.domain or "")
