"""Invented people: who they are, where they come from, what they do, when. Nothing here is secret or real."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

from app.cli.demo.reading import PeopleTexts
from app.cli.demo.timing import Timeline
from app.core.languages import LOCALES
from app.supporters.regions import REGION_OF_AREA, region_of

DOMAIN = "demo.haven.example"
"""Nobody's: `.example` can never receive mail (RFC 2606 §3, RFC 6761 §6.5)."""

LIFETIME = timedelta(days=7)
"""How long a pending signature waits, as the worker has it."""

_CONFIRMS, _WITHDRAWS = 0.90, 0.022
_GIVES_POSTCODE, _WANTS_NEWS, _SHOWS_NAME, _COMMENTS, _NO_PLACEMENT = 0.72, 0.38, 0.3, 0.16, 0.14
_DISTRICTS = range(1, 20)
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
_LETTERS = str.maketrans("", "", "' .-")

T = TypeVar("T")


class Weighted(Generic[T]):
    """Draws from values by their weights."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._values = list(weights)
        self._cumulative = list(accumulate(weights.values()))
        self._total, self._last = float(self._cumulative[-1]), len(self._values) - 1

    def draw(self, random: Random) -> T:
        """One of the values; as `random.choices` draws, which checks its weights each time."""
        return self._values[bisect(self._cumulative, random.random() * self._total, 0, self._last)]


@dataclass(frozen=True, slots=True)
class Showing:
    """What somebody shows in public."""

    name: str
    comment: str | None
    approved: bool


@dataclass(frozen=True, slots=True)
class Signer:
    """One invented signature, in clear: invented people need no protection, their rows get it all the same.

    Attributes:
        index: The how-manieth invented signature it is, from 0.
        ended_at: When it was withdrawn or lapsed.
    """

    index: int
    name: str
    email: str
    country: str
    postcode: str
    region: str | None
    locale: str
    placement: str | None
    via: str
    wants_news: bool
    state: str
    signed_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    showing: Showing | None

    @property
    def expires_at(self) -> datetime:
        """When the link of a pending signature stops working."""
        return self.signed_at + LIFETIME


class Population:
    """Draws signers; the same seed and index draw the same person.

    Args:
        people: Names, countries, comments.
        placements: Weight by slug.
        timeline: When they sign.
        now: Nothing happens after it.
    """

    def __init__(
        self, people: PeopleTexts, placements: Mapping[str, int], timeline: Timeline, now: datetime
    ) -> None:
        self._people, self._timeline, self._now = people, timeline, now
        self._countries = Weighted({code: mix.weight for code, mix in people.countries.items()})
        self._locales = {
            code: Weighted({locale: getattr(mix, locale) for locale in LOCALES})
            for code, mix in people.countries.items()
        }
        self._regions = Weighted(people.regions)
        self._areas: dict[str, list[str]] = {}
        for area, region in REGION_OF_AREA.items():
            self._areas.setdefault(region, []).append(area)
        unplaced = sum(placements.values()) * _NO_PLACEMENT / (1 - _NO_PLACEMENT)
        weights: dict[str | None, float] = {None: unplaced}
        weights.update(placements)
        self._placements = Weighted(weights)

    def draw(self, random: Random, index: int) -> Signer:
        """The signer of that index."""
        country = self._countries.draw(random)
        locale = self._locales[country].draw(random)
        postcode = self._postcode(random) if country == "GB" and random.random() < _GIVES_POSTCODE else ""
        name = self._name(random, locale)
        signed_at = self._timeline.draw(random)
        state, confirmed_at, ended_at = self._fate(random, signed_at)
        shows = state == "confirmed" and random.random() < _SHOWS_NAME
        return Signer(
            index=index,
            name=name,
            email=_address(name, index),
            country=country,
            postcode=postcode,
            region=region_of(country, postcode or None),
            locale=locale,
            placement=self._placements.draw(random),
            via="api" if random.random() < 0.05 else "form",  # noqa: PLR2004 - one in twenty
            wants_news=random.random() < _WANTS_NEWS,
            state=state,
            signed_at=signed_at,
            confirmed_at=confirmed_at,
            ended_at=ended_at,
            showing=self._showing(random, name, locale) if shows else None,
        )

    def _fate(self, random: Random, signed_at: datetime) -> tuple[str, datetime | None, datetime | None]:
        """State, when confirmed, when ended. Most confirm within minutes, a few after days."""
        wait = timedelta(minutes=min(random.lognormvariate(1.5, 1.6), 6 * 24 * 60))
        confirmed_at = signed_at + wait
        if random.random() < _CONFIRMS and confirmed_at <= self._now:
            ended_at = confirmed_at + timedelta(hours=random.expovariate(1 / 30))
            if random.random() < _WITHDRAWS and ended_at <= self._now:
                return "withdrawn", confirmed_at, ended_at
            return "confirmed", confirmed_at, None
        lapsed_at = signed_at + LIFETIME + timedelta(minutes=random.randrange(10))
        if lapsed_at <= self._now:
            return "lapsed", None, lapsed_at
        return "pending", None, None

    def _name(self, random: Random, locale: str) -> str:
        pool = self._people.names[locale]
        return f"{random.choice(pool.first)} {random.choice(pool.last)}"

    def _postcode(self, random: Random) -> str:
        area = random.choice(self._areas[self._regions.draw(random)])
        inward = f"{random.randrange(10)}{random.choice(_INWARD)}{random.choice(_INWARD)}"
        return f"{area}{random.choice(_DISTRICTS)} {inward}"

    def _showing(self, random: Random, name: str, locale: str) -> Showing:
        first, last = name.rsplit(" ", 1)
        shown = name if random.random() < 0.5 else f"{first} {last.removeprefix('ال')[0]}."  # noqa: PLR2004 - half
        comments: Sequence[str] = self._people.comments[locale]
        comment = random.choice(comments) if random.random() < _COMMENTS else None
        return Showing(shown, comment, approved=random.random() < 0.8)  # noqa: PLR2004 - some still wait


def _address(name: str, index: int) -> str:
    """An address of its own for each index, in plain small letters, so that it folds to itself."""
    plain = name.translate(_LETTERS).lower()
    return f"{plain if plain.isascii() else 'signer'}.{index}@{DOMAIN}"
