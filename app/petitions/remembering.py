"""Petitions in memory: one query a second keeps all of them fresh, and readers never wait for it."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import text

from app.core.clock import Clock
from app.core.db import Database
from app.core.errors import Overloaded
from app.petitions.published import MOST_SHOWN, PublishedPetition, read_petition

log = structlog.get_logger(__name__)
_BETWEEN_EDITIONS = 0.05
"""Seconds. While hundreds confirm each second, pages are not made anew after each of their transactions."""

# Whatever changes what is shown of a petition changes one of the marks: its own row, its campaign's, the
# newest of the versioned texts, which are append-only, the signers who stand beside it, or the figures of
# what was invalidated.
_BRIEF = text("""
    select p.slug, coalesce(k.counted, 0) as count,
           concat_ws(' ', p.xmin, c.xmin,
                     (select max(v.id) from petition_text_versions v where v.petition_id = p.id),
                     (select max(w.id) from wordings w where w.campaign_id = c.id),
                     (select md5(string_agg(concat_ws(' ', s.signature_id, s.xmin), ' '))
                        from (select n.signature_id, n.xmin from published_signers n
                               where n.petition_id = p.id and n.shown
                               order by n.published_at desc limit :shown) s),
                     (select md5(string_agg(concat_ws(' ', i.reason, i.xmin), ' ' order by i.reason))
                        from invalidation_counts i where i.petition_id = p.id)) as mark
      from petitions p join campaigns c on c.id = p.campaign_id
      left join petition_counts k on k.petition_id = p.id
     where p.slug = any (cast(:slugs as text[])) and p.state <> 'draft' and c.published_at is not null
""")


@dataclass(frozen=True, slots=True)
class Held:
    """A petition in memory.

    Attributes:
        edition: Another one whenever anything changed but the time of reading.
        as_at: When the reading began, by `time.monotonic`.
        mark: What the text stood at.
        told: The count of this edition.
        told_at: When a commit's count last made an edition.
    """

    petition: PublishedPetition
    edition: int
    as_at: float
    mark: str
    told: int
    told_at: float = 0.0


class PublishedPetitions:
    """Petitions in memory, each about `max_age` seconds old; the hot path asks here, not the database.

    One caller reads a petition anew, and nobody waits for that: the others get what is held. Once `start` was
    called, it is a task that reads. While the database is away, what is held is shown for at most
    `stale_for` seconds; it says when it was read. What nobody asked for in `idle_for` seconds is let go, so
    that a crawler who reads all petitions once does not have them refreshed for ever.

    Args:
        sheds_signers: Whether recent signers are left out for now. None is shown then, rather than those of
            before: somebody may have taken their name down meanwhile.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        max_age: float = 1.0,
        stale_for: float = 300.0,
        idle_for: float = 900.0,
        *,
        sheds_signers: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_age = max_age
        self._stale_for = stale_for
        self._sheds_signers = sheds_signers
        self._idle_for = idle_for
        self._asked: dict[str, float] = {}
        self._held: dict[str, Held] = {}
        self._slugs: dict[int, str] = {}
        self._editions = 0
        self._reading: set[str] = set()
        self._next_reads: dict[str, asyncio.Task[PublishedPetition]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._refresher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep fresh, from now on, whatever is held."""
        self._refresher = asyncio.create_task(self._keep_fresh(), name="petitions-refresher")

    async def stop(self) -> None:
        """End the refreshing."""
        if self._refresher is not None:
            self._refresher.cancel()
            await asyncio.gather(self._refresher, return_exceptions=True)

    def held(self, slug: str) -> Held | None:
        """What is in memory, if it is not too old to show; without waiting for anything."""
        held = self._held.get(slug)
        now = time.monotonic()
        if held is None or now - held.as_at > self._stale_for:
            return None
        self._asked[slug] = now
        return held

    async def get(self, slug: str) -> PublishedPetition:
        """The petition, from memory where that is fresh enough.

        Raises:
            PetitionNotFound: There is none of that name, or it is a draft.
            Overloaded: The database is away, and what is held is too old to show.
        """
        held = self.held(slug)
        if held is None:
            return await self.fresh(slug)
        fresh_enough = self._max_age if self._refresher is None else 3 * self._max_age
        if time.monotonic() - held.as_at < fresh_enough or slug in self._reading:
            return held.petition
        self._reading.add(slug)
        try:
            return await self.fresh(slug)
        except Overloaded:
            return held.petition
        finally:
            self._reading.discard(slug)

    async def fresh(self, slug: str) -> PublishedPetition:
        """The petition as it is in the database now. Those who ask at the same time share one reading.

        Raises as `get`.
        """
        reading = self._next_reads.get(slug)
        if reading is None:
            reading = asyncio.create_task(self._read_next(slug))
            self._next_reads[slug] = reading
        return await asyncio.shield(reading)

    def count(self, petition_id: int, count: int) -> None:
        """Take over a count that a committed transaction has just told."""
        slug = self._slugs.get(petition_id)
        held = self._held.get(slug) if slug else None
        now = time.monotonic()
        if held is None:
            return
        if now - held.told_at >= _BETWEEN_EDITIONS:
            self._take(replace(held, told_at=now), count, now)
        else:  # the next refreshing makes the edition, if no commit does before
            petition = replace(held.petition, count=count, read_at=self._clock.now())
            self._held[petition.slug] = replace(held, petition=petition, as_at=now)

    async def refresh(self) -> None:
        """Bring everything held up to date by one query. Raises Overloaded when the database is away."""
        idle_since = time.monotonic() - self._idle_for
        for slug in [slug for slug, held in self._held.items() if self._last_use(held) < idle_since]:
            self._forget(slug)
        await self._refresh(list(self._held))

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._max_age)
            if not self._held:
                continue
            try:
                await self.refresh()
            except Overloaded as error:
                log.warning("petitions:refresh:failed", code=error.code)
            except Exception:
                log.exception("petitions:refresh:failed")

    async def _read_next(self, slug: str) -> PublishedPetition:
        try:
            async with self._one_at_a_time:
                # Whoever comes from here on may know more than this reading will see.
                del self._next_reads[slug]
                if slug in self._held:
                    await self._refresh([slug])
                if slug not in self._held:
                    await self._read(slug)
                return self._held[slug].petition
        finally:
            if self._next_reads.get(slug) is asyncio.current_task():
                del self._next_reads[slug]

    async def _refresh(self, slugs: Collection[str]) -> None:
        began = time.monotonic()
        async with self._database.begin() as session:
            rows = await session.execute(_BRIEF, {"slugs": list(slugs), "shown": self._most_shown})
            found = {slug: (count, mark) for slug, count, mark in rows}
        for slug in slugs:
            held = self._held.get(slug)
            count, mark = found.get(slug, (0, None))
            if mark is None:
                self._forget(slug)
            elif held is not None and held.mark != mark:
                await self._read(slug, mark)
            elif held is not None and held.as_at <= began:
                self._take(held, count, began)

    @property
    def _most_shown(self) -> int:
        """None is looked for where none is shown; the marks differ by that, and bring them back."""
        return 0 if self._sheds_signers() else MOST_SHOWN

    async def _read(self, slug: str, mark: str = "") -> None:
        """Read all of it. Without its mark, the next refreshing will read it once more."""
        began = time.monotonic()
        async with self._database.begin() as session:
            petition = await read_petition(session, slug, self._clock.now(), self._most_shown)
        before = self._held.get(slug)
        if before is not None and before.as_at > began:  # a commit has told more meanwhile
            petition, began = replace(petition, count=before.petition.count), before.as_at
        self._editions += 1
        self._slugs[petition.id] = slug
        self._asked.setdefault(slug, began)
        self._held[slug] = Held(petition, self._editions, began, mark, petition.count)

    def _last_use(self, held: Held) -> float:
        return self._asked.get(held.petition.slug, 0.0)

    def _forget(self, slug: str) -> None:
        held = self._held.pop(slug, None)
        self._asked.pop(slug, None)
        if held is not None:
            self._slugs.pop(held.petition.id, None)

    def _take(self, held: Held, count: int, as_at: float) -> None:
        edition = held.edition
        if count != held.told:
            self._editions += 1
            edition = self._editions
        petition = replace(held.petition, count=count, read_at=self._clock.now())
        self._held[petition.slug] = replace(held, petition=petition, edition=edition, as_at=as_at, told=count)
