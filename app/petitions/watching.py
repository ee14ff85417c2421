"""The fraud watch: once an hour, what trends among the signatures of each petition, told to staff.

It reads by the primary key, which begins with the time of signing: the last hour, at most so many rows, and
as a yardstick the day before, at most so many. Names are opened of a sample only, off the event loop.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import structlog
from pydantic import JsonValue
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.db import Database
from app.core.ids import new_id
from app.crypto.details import read_name
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener, Sealer
from app.jobs.running import Job
from app.mail.queue import Draft, queue
from app.petitions.abuse_models import WatchReport
from app.petitions.judging import HASH_BYTES
from app.petitions.models import Petition
from app.petitions.trends import LEAST, Group, NameGroup, name_trends, origin_trends
from app.staff.accounts import watch_recipients
from app.supporters.domains import LARGE_DOMAINS

log = structlog.get_logger(__name__)
WATCH = "signatures:watch"
MAIL = "fraud_watch"
NAMES_OPENED = 5_000
_MOST_ROWS, _MOST_BEFORE = 200_000, 500_000
_MOST_IN_MAIL = 10
_RECENT = """
    select id, petition_id, network_hash, domain_hash, state, quarantined_at, invalidated_at
      from signatures where id >= uuid_at(now() - interval '1 hour') order by id desc limit :most
"""
_KINDS = "(values ('all', ''::bytea), ('network', network_hash), ('domain', domain_hash)) k (kind, key)"
_GROUPS = text(f"""
    with recent as materialized ({_RECENT})
    select petition_id, kind, key, count(*) as signatures,
           count(*) filter (where state = 'pending') as unconfirmed,
           count(*) filter (where quarantined_at is not null) as quarantined
      from recent cross join lateral {_KINDS}
     where key is not null and invalidated_at is null and state in ('pending', 'confirmed')
     group by 1, 2, 3 having count(*) >= :least
""")  # noqa: S608 - built from constants
_BEFORE = text(f"""
    with earlier as materialized (
      select petition_id, network_hash, domain_hash from signatures
       where id >= uuid_at(now() - interval '25 hours') and id < uuid_at(now() - interval '1 hour')
       order by id desc limit :most)
    select petition_id, kind, key, count(*) from earlier cross join lateral {_KINDS}
     where key = any (cast(:keys as bytea[])) and petition_id = any (cast(:petitions as int[]))
     group by 1, 2, 3
""")  # noqa: S608 - built from constants
_SAMPLE = text(f"""
    with recent as materialized ({_RECENT})
    select s.id, s.petition_id, s.details_sealed, s.own_copy, s.state from signatures s join (
      select id, row_number() over (partition by petition_id order by hashtext(id::text)) as n from recent
       where petition_id = any (cast(:petitions as int[])) and invalidated_at is null
         and state in ('pending', 'confirmed')) c on c.id = s.id
     where c.n <= :each and s.details_sealed is not null and s.own_copy is not null
""")  # noqa: S608 - built from constants
_HOUR = text("select date_trunc('hour', now(), 'UTC')")
FORGET = text("delete from watch_reports where reported_at < now() - cast(:kept as interval)")


@dataclass(frozen=True, slots=True)
class _Finding:
    """One report to be, and who it is about."""

    group: Group
    of_all: int
    day_before: int = 0
    shape: str | None = None
    pattern: str | None = None


class Watcher:
    """Looks for what trends, writes reports, and mails staff about new ones."""

    def __init__(
        self, database: Database, sealer: Sealer, opener: Opener, hasher: Hasher, staff_url: str
    ) -> None:
        self._database, self._sealer, self._opener, self._hasher = database, sealer, opener, hasher
        self._staff_url = staff_url

    def jobs(self) -> list[Job]:
        """What the worker runs."""
        return [Job(WATCH, self.run, cron="7 * * * *", attempts=3)]

    async def run(self, timestamp: int | None = None) -> None:  # noqa: ARG002 - procrastinate tells the minute
        """One look; running it twice in an hour brings its reports up to date and mails nobody twice."""
        async with self._database.begin() as session:
            await session.execute(text("set local statement_timeout = '60s'"))
            groups = await _groups(session)
            findings = await self._origins(session, groups)
            totals = {g.petition_id: g.signatures for g in groups if g.kind == "all"}
            findings += await self._names(session, sorted(totals))
            told = await self._write(session, findings)
            if told:
                await self._mail(session, told)
                log.info("signatures:watch:reported", reports=len(told))

    @cached_property
    def _large(self) -> frozenset[bytes]:
        return frozenset(self._hasher.domain(domain)[:HASH_BYTES] for domain in LARGE_DOMAINS)

    async def _origins(self, session: AsyncSession, groups: Sequence[Group]) -> list[_Finding]:
        totals = {g.petition_id: g.signatures for g in groups if g.kind == "all"}
        origins = [g for g in groups if g.kind != "all" and g.key not in self._large]
        keys = sorted({g.key for g in origins} | {b""}) if origins else []
        values = {"keys": keys, "petitions": sorted(totals), "most": _MOST_BEFORE}
        before: dict[tuple[int, str, bytes], int] = {}
        if keys:
            rows = await session.execute(_BEFORE, values)
            before = {(petition, kind, bytes(key)): n for petition, kind, key, n in rows}
        found = []
        for group in origins:
            earlier = before.get((group.petition_id, group.kind, group.key), 0)
            earlier_all = before.get((group.petition_id, "all", b""), 0)
            if origin_trends(group, totals[group.petition_id], earlier, earlier_all):
                found.append(_Finding(group, totals[group.petition_id], earlier))
        return found

    async def _names(self, session: AsyncSession, petitions: Sequence[int]) -> list[_Finding]:
        if not petitions:
            return []
        each = max(1, NAMES_OPENED // len(petitions))
        values = {"petitions": petitions, "each": each, "most": _MOST_ROWS}
        rows = [
            (petition, signature_id, bytes(sealed), bytes(copy), state)
            for signature_id, petition, sealed, copy, state in await session.execute(_SAMPLE, values)
        ]
        found: list[_Finding] = []
        for petition, names in (await asyncio.to_thread(self._open, rows)).items():
            trending = await asyncio.to_thread(name_trends, names)
            found += [self._name_finding(petition, group, len(names)) for group in trending]
        return found

    def _open(self, rows: Iterable[tuple[int, UUID, bytes, bytes, str]]) -> dict[int, list[tuple[str, bool]]]:
        names: dict[int, list[tuple[str, bool]]] = defaultdict(list)
        for petition, signature_id, sealed, copy, state in rows:
            if name := read_name(self._opener, sealed, copy, signature_id):
                names[petition].append((name, state == "confirmed"))
        return names

    def _name_finding(self, petition: int, found: NameGroup, looked_at: int) -> _Finding:
        key = self._hasher.name(0, f"{found.kind} {found.word}")[:HASH_BYTES]
        group = Group(petition, found.kind, key, found.signatures, found.unconfirmed, 0)
        is_shape = found.kind == "shape"
        return _Finding(
            group,
            looked_at,
            shape=found.word if is_shape else None,
            pattern=None if is_shape else found.word,
        )

    async def _write(self, session: AsyncSession, findings: Sequence[_Finding]) -> list[_Finding]:
        """Write or renew the reports of this hour; returns those that are new."""
        hour = await session.scalar(_HOUR)
        told = []
        for each in findings:
            report_id, group = new_id(), each.group
            figures = {
                "signatures": group.signatures,
                "of_all": each.of_all,
                "day_before": each.day_before,
                "unconfirmed": group.unconfirmed,
                "quarantined": group.quarantined,
            }
            sealed = self._sealer.seal({"pattern": each.pattern}, report_id) if each.pattern else None
            statement = insert(WatchReport).values(
                id=report_id,
                petition_id=group.petition_id,
                hour_at=hour,
                kind=group.kind,
                key_hash=group.key,
                shape=each.shape,
                pattern_sealed=sealed,
                **figures,
            )
            stored = await session.scalar(
                statement.on_conflict_do_update(
                    index_elements=["petition_id", "hour_at", "kind", "key_hash"], set_=figures
                ).returning(WatchReport.id)
            )
            if stored == report_id:
                told.append(each)
        return told

    async def _mail(self, session: AsyncSession, told: Sequence[_Finding]) -> None:
        """One mail to each of staff who want it, about all of it; neither petition nor name is in it."""
        campaign = await session.scalar(
            select(Campaign)
            .join(Petition, Petition.campaign_id == Campaign.id)
            .where(Petition.id == told[0].group.petition_id)
        )
        if campaign is None:
            return
        lines: list[JsonValue] = [
            {
                "kind": each.group.kind,
                "signatures": each.group.signatures,
                "of_all": each.of_all,
            }
            for each in sorted(told, key=lambda each: -each.group.signatures)[:_MOST_IN_MAIL]
        ]
        drafts = [
            Draft(
                kind=MAIL,
                campaign_id=campaign.id,
                to=email,
                locale="en",
                values={
                    "name": name,
                    "publisher": campaign.publisher,
                    "lines": lines,
                    "link": f"{self._staff_url}/abuse",
                },
            )
            for email, name in await watch_recipients(session)
        ]
        await queue(session, self._sealer, drafts)


async def _groups(session: AsyncSession) -> list[Group]:
    rows = await session.execute(_GROUPS, {"most": _MOST_ROWS, "least": min(LEAST, 20)})
    return [Group(p, kind, bytes(key), n, pending, held) for p, kind, key, n, pending, held in rows]
