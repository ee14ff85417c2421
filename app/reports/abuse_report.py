"""What staff see of abuse: who waits in quarantine, what trends, what was done. Read only and bounded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.languages import pick
from app.crypto.hashing import Hasher
from app.crypto.sealing import Opener
from app.petitions.abuse_models import Sweep, WatchReport
from app.petitions.errors import PetitionNotFound, SweepUnknown
from app.petitions.judging import HASH_BYTES
from app.supporters.domains import LARGE_DOMAINS

LOOKED_AT = 50_000
"""The most signatures in quarantine that a page counts, the newest; it says when there are more."""
MOST_LINES = 10
MOST_SWEEPS = 100
MOST_TRENDS = 50
TRENDS_DAYS = 2

_PETITIONS = """
    select p.id, p.slug, p.state, c.slug as campaign_slug, c.title as campaign_title, r.until as asks_until,
           (select v.title from petition_text_versions v where v.petition_id = p.id
             order by v.number desc limit 1) as title
      from petitions p join campaigns c on c.id = p.campaign_id
      left join proof_rules r on r.petition_id = p.id and r.until > now()
"""
_FIND = text(f"{_PETITIONS} where p.slug = :slug")
_LIST = text(f"{_PETITIONS} order by p.id desc limit 100")
_OF_ID = text(f"{_PETITIONS} where p.id = any (:ids)")
_WAITING_BY_PETITION = text("""
    select petition_id, count(*) from (
      select petition_id from signatures
       where quarantined_at is not null and invalidated_at is null and state in ('pending', 'confirmed')
       limit :most) x group by 1
""")
_WAITING = """
    with waiting as materialized (
      select s.network_hash, s.domain_hash, s.placement_id, s.state,
             date_trunc('hour', s.signed_at, 'UTC') as hour,
             case when s.score < 150 then 100 when s.score < 250 then 150 when s.score < 1000 then 250
                  else 1000 end as band
        from (select * from signatures where petition_id = :petition and quarantined_at is not null
               order by id desc limit :most) s
       where s.invalidated_at is null and s.state in ('pending', 'confirmed'))
"""
_GROUPED = text(
    _WAITING
    + " union all ".join(
        f"(select '{kind}' as kind, {value} as value, count(*) as signatures, "  # noqa: S608 - constants
        "count(*) filter (where w.state = 'confirmed') as confirmed "
        f"from waiting w {joined} group by 2 order by 3 desc, 2 limit {MOST_LINES})"
        for kind, value, joined in (
            ("all", "''", ""),
            ("band", "w.band::text", ""),
            ("network", "encode(w.network_hash, 'hex')", ""),
            ("domain", "encode(w.domain_hash, 'hex')", ""),
            ("placement", "p.slug", "left join placements p on p.id = w.placement_id"),
            ("hour", "to_char(w.hour at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')", ""),
        )
    )
)


@dataclass(frozen=True, slots=True)
class WatchedPetition:
    """A petition as its moderators know it; `asks_until` while staff have it ask for proof of work."""

    id: int
    slug: str
    title: str
    campaign_slug: str
    campaign_title: str
    is_open: bool
    asks_until: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """Signatures in quarantine that have something in common; `confirmed` of them only wait for staff.

    Attributes:
        value: As conditions take it: a hash, a placement, an hour, the lowest score; empty for none.
        label: As staff read it.
    """

    value: str
    label: str
    signatures: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """All of one petition's quarantine, by kind of group."""

    signatures: int
    confirmed: int
    groups: dict[str, list[WaitingGroup]]

    @property
    def is_partial(self) -> bool:
        """Whether there may be more than were looked at."""
        return self.signatures >= LOOKED_AT


@dataclass(frozen=True, slots=True)
class Trend:
    """One report of the fraud watch; `value` is what conditions take."""

    id: UUID
    petition: WatchedPetition
    kind: str
    value: str = field(repr=False)
    label: str = field(repr=False)
    signatures: int
    of_all: int
    day_before: int
    unconfirmed: int
    quarantined: int
    reported_at: datetime

    @property
    def is_sampled(self) -> bool:
        """Whether the figures are those of a sample of names."""
        return self.kind not in ("network", "domain")

    @property
    def span(self) -> tuple[datetime, datetime]:
        """When they signed; the wave may go on after the report."""
        return self.reported_at - timedelta(hours=1), self.reported_at + timedelta(hours=1)


async def find_petition(session: AsyncSession, slug: str) -> WatchedPetition:
    """A petition by its slug, whatever its state. Raises PetitionNotFound."""
    found = await _petitions(session, _FIND, {"slug": slug})
    if not found:
        raise PetitionNotFound
    return found[0]


async def list_waiting(session: AsyncSession) -> list[tuple[WatchedPetition, int]]:
    """Every petition, the newest first, with how many wait in quarantine."""
    rows = await session.execute(_WAITING_BY_PETITION, {"most": LOOKED_AT})
    waiting: dict[int, int] = {petition: count for petition, count in rows}  # noqa: C416 - rows are no pairs
    return [(p, waiting.get(p.id, 0)) for p in await _petitions(session, _LIST, {})]


async def read_waiting(session: AsyncSession, petition_id: int, hasher: Hasher) -> Waiting:
    """A petition's quarantine by score, network, domain, placement and hour, the largest groups of each."""
    groups: dict[str, list[WaitingGroup]] = {}
    for kind, value, signatures, confirmed in await session.execute(
        _GROUPED, {"petition": petition_id, "most": LOOKED_AT}
    ):
        label = _label(kind, value or "", hasher)
        groups.setdefault(kind, []).append(WaitingGroup(value or "", label, signatures, confirmed))
    whole = groups.pop("all", [])
    return Waiting(sum(g.signatures for g in whole), sum(g.confirmed for g in whole), groups)


async def read_trends(
    session: AsyncSession, opener: Opener, hasher: Hasher, petition_id: int | None = None
) -> list[Trend]:
    """What the fraud watch has told in the last two days, the newest first."""
    query = (
        select(WatchReport)
        .where(WatchReport.reported_at > text(f"now() - interval '{TRENDS_DAYS} days'"))
        .order_by(WatchReport.reported_at.desc(), WatchReport.signatures.desc())
        .limit(MOST_TRENDS)
    )
    if petition_id is not None:
        query = query.where(WatchReport.petition_id == petition_id)
    return await _trends(session, list(await session.scalars(query)), opener, hasher)


async def find_trend(session: AsyncSession, report_id: UUID, opener: Opener, hasher: Hasher) -> Trend | None:
    """One report, while it is kept."""
    report = await session.get(WatchReport, report_id)
    found = await _trends(session, [report] if report else [], opener, hasher)
    return found[0] if found else None


async def list_sweeps(session: AsyncSession) -> list[tuple[Sweep, WatchedPetition]]:
    """What was done in bulk, the newest first."""
    sweeps = list(await session.scalars(select(Sweep).order_by(Sweep.id.desc()).limit(MOST_SWEEPS)))
    petitions = await _by_id(session, {s.petition_id for s in sweeps})
    return [(s, petitions[s.petition_id]) for s in sweeps]


async def find_sweep(session: AsyncSession, sweep_id: UUID) -> tuple[Sweep, WatchedPetition]:
    """One of them. Raises SweepUnknown."""
    sweep = await session.get(Sweep, sweep_id)
    if sweep is None:
        raise SweepUnknown
    return sweep, (await _by_id(session, {sweep.petition_id}))[sweep.petition_id]


def state_of(sweep: Sweep) -> str:
    """running, done, undoing or undone."""
    if sweep.undone_at:
        return "undone"
    if sweep.undo_at:
        return "undoing"
    return "done" if sweep.finished_at else "running"


def short(value: str) -> str:
    """A hash as staff tell one from another: its first four digits."""
    return f"{value[:4]}…"


async def _trends(
    session: AsyncSession, reports: Sequence[WatchReport], opener: Opener, hasher: Hasher
) -> list[Trend]:
    petitions = await _by_id(session, {r.petition_id for r in reports})
    found = []
    for r in reports:
        value = r.shape or r.key_hash.hex()
        if r.pattern_sealed is not None:
            value = str(opener.open(r.pattern_sealed, r.id).get("pattern") or "")
        label = _label(r.kind, value, hasher)
        figures = (r.signatures, r.of_all, r.day_before, r.unconfirmed, r.quarantined, r.reported_at)
        found.append(Trend(r.id, petitions[r.petition_id], r.kind, value, label, *figures))
    return found


def _label(kind: str, value: str, hasher: Hasher) -> str:
    if not value:
        return {"placement": "without a placement"}.get(kind, "not known")
    if kind == "network":
        return f"network {short(value)}"
    if kind == "domain":
        return _well_known(hasher).get(value, f"domain {short(value)}")
    if kind == "band":
        bands = {"100": "100 to 149", "150": "150 to 249", "250": "250 to 999", "1000": "on a block list"}
        return bands.get(value, value)
    if kind == "hour":
        return f"{value.replace('T', ' ')} UTC"
    return value if kind == "placement" else f"names like “{value}”"


@cache
def _well_known(hasher: Hasher) -> dict[str, str]:
    """Large providers by their hash: no secret, and staff should not block one unawares."""
    return {hasher.domain(domain)[:HASH_BYTES].hex(): domain for domain in sorted(LARGE_DOMAINS)}


async def _by_id(session: AsyncSession, ids: set[int]) -> dict[int, WatchedPetition]:
    return {p.id: p for p in await _petitions(session, _OF_ID, {"ids": sorted(ids)})} if ids else {}


async def _petitions(
    session: AsyncSession, query: TextClause, values: dict[str, object]
) -> list[WatchedPetition]:
    rows = await session.execute(query, values)
    return [
        WatchedPetition(
            row.id,
            row.slug,
            pick(row.title or {}, "en") or row.slug,
            row.campaign_slug,
            pick(row.campaign_title, "en"),
            row.state == "open",
            row.asks_until,
        )
        for row in rows
    ]
