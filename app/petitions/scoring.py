"""How much a letter looks like a machine's: a score from many small signs, none of which decides alone.

Behind one address may be a hostel, an office or a whole mobile carrier, so a rate is a sign and no verdict.
At `THRESHOLD` a signature is quarantined: its mail is sent all the same, and confirming takes
`CONFIRMED` off, so that whoever holds the mailbox counts unless much speaks against it. The figures were
chosen by simulating crowds and bots (`docs/abuse.md`).
"""

from dataclasses import dataclass
from math import log2

THRESHOLD = 100
CONFIRMED = 50
BLOCKED = 1_000
"""Staff have decided; nothing weighs against it."""

_DOUBLING = 20
"""Points for each doubling beyond a limit."""
_YOUNG_SECONDS = 2
_OLD_SECONDS = 24 * 3600
_REPEATS = 5
_SHARE = 30
_WORKED = -20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a crowd may do in a minute, an hour, a day; and the most points for going beyond each."""

    minute: int
    hour: int
    day: int
    most_minute: int
    most_hour: int
    most_day: int


NETWORK = Limits(minute=30, hour=400, day=5_000, most_minute=60, most_hour=60, most_day=20)
DOMAIN = Limits(minute=60, hour=600, day=6_000, most_minute=60, most_hour=65, most_day=20)


@dataclass(frozen=True, slots=True)
class Counts:
    """Letters under one key in the running minute, the last sixty minutes (estimated) and the day."""

    minute: int = 0
    hour: int = 0
    day: int = 0


NOTHING = Counts()
VOUCHED = -1
"""Of an address that staff vouch for: nothing can be found against it later either."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one letter when it is resolved.

    Attributes:
        network: Of the client's network; nothing where staff allow it.
        domain: Of the address's domain; nothing for large providers and where staff allow it.
        petition: Of the petition as a whole.
        address: Of the address itself.
        by_form: Whether it came by a page's form, which carries a token and a trap.
        form_seconds: How old the form was; None without a good token.
        trapped: A field was filled in that people do not see.
        disposable: The domain is one of addresses to throw away.
        worked: A proof of work came along.
        unworked: One was asked for and did not.
        blocked: Staff block the network, the domain or the address.
        allowed: Staff vouch for the address.
    """

    network: Counts = NOTHING
    domain: Counts = NOTHING
    petition: Counts = NOTHING
    address: Counts = NOTHING
    by_form: bool = False
    form_seconds: int | None = None
    trapped: bool = False
    disposable: bool = False
    worked: bool = False
    unworked: bool = False
    blocked: bool = False
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Points and what they are for."""

    points: int
    reasons: tuple[str, ...]

    @property
    def is_quarantined(self) -> bool:
        """Whether the signature waits apart."""
        return self.points >= THRESHOLD

    @property
    def confirming_releases(self) -> bool:
        """Whether using the mailed link is enough for it to count."""
        return self.points - CONFIRMED < THRESHOLD


def score(evidence: Evidence) -> Score:
    """Weigh one letter. Pure: the same evidence has the same score, and more of it never a lower one."""
    if evidence.allowed:
        return Score(VOUCHED, ())
    weights = {
        **_rates("network", evidence.network, evidence.petition, NETWORK),
        **_rates("domain", evidence.domain, evidence.petition, DOMAIN),
        "address": min(30, 5 * max(0, evidence.address.hour - _REPEATS)),
        "trap": 55 if evidence.trapped else 0,
        "form": _form(evidence),
        "disposable": 45 if evidence.disposable else 0,
        "work": 60 if evidence.unworked else _WORKED if evidence.worked else 0,
        "blocked": BLOCKED if evidence.blocked else 0,
    }
    return Score(max(0, sum(weights.values())), tuple(name for name, w in weights.items() if w > 0))


def alone(counts: Counts, petition: Counts) -> Score:
    """What a network's rates come to by themselves: for signatures stored before it went beyond limits."""
    return score(Evidence(network=counts, petition=petition))


def at_least(found: Score, floor: Score, evidence: Evidence) -> Score:
    """The score of a letter from where so much was wrong lately that it comes to `floor` by itself."""
    points = floor.points + (_WORKED if evidence.worked else 0)
    if evidence.allowed or points <= found.points:
        return found
    return Score(points, tuple(dict.fromkeys((*found.reasons, *floor.reasons))))


def _rates(name: str, counts: Counts, petition: Counts, limits: Limits) -> dict[str, int]:
    if counts.minute <= limits.minute and counts.hour <= limits.hour and counts.day <= limits.day:
        return {}
    share = min(1.0, counts.hour / max(1, petition.hour)) if counts.hour > limits.hour else 0.0
    return {
        f"{name}:minute": _beyond(counts.minute, limits.minute, limits.most_minute),
        f"{name}:hour": _beyond(counts.hour, limits.hour, limits.most_hour),
        f"{name}:day": _beyond(counts.day, limits.day, limits.most_day),
        f"{name}:share": round(_SHARE * share),
    }


def _beyond(count: int, limit: int, most: int) -> int:
    return min(most, round(_DOUBLING * log2(count / limit))) if count > limit else 0


def _form(evidence: Evidence) -> int:
    if not evidence.by_form:
        return 0
    if evidence.form_seconds is None:
        return 25
    if evidence.form_seconds < _YOUNG_SECONDS:
        return 45
    return 5 if evidence.form_seconds > _OLD_SECONDS else 0
