"""What trends among signatures: rules by which a report is worth a look. They decide about nobody.

A trend is a share: in a surge everything grows, and a crowd's part of it stays what it was. A network or
domain is told of once it is large, or once most of what it left waits unconfirmed; crowds confirm.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from glob import escape

from app.petitions.names import fold_name, is_odd, shape_of
from app.petitions.scoring import NETWORK

LEAST = 40
"""Signatures an hour below which nothing is told: hostels and classrooms are smaller."""
_LARGE = NETWORK.hour
_SHARE = 0.02
_GROWTH = 3
_UNCONFIRMED = 0.75
_USUAL = 20
"""Added to the day before, so that a petition's first hours are no trend by themselves."""
_LEAST_ODD = 20
_LEAST_WORD, _WORD_SHARE = 30, 0.1
"""Beyond the share of the commonest first and last names of any country."""


@dataclass(frozen=True, slots=True)
class Group:
    """Signatures of the last hour that have something in common."""

    petition_id: int
    kind: str
    key: bytes = field(repr=False)
    signatures: int
    unconfirmed: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class NameGroup:
    """The same of a sample of names: `word` is a pattern for conditions, or a shape."""

    kind: str
    word: str = field(repr=False)
    signatures: int
    unconfirmed: int


def origin_trends(group: Group, of_all: int, before: int, before_all: int) -> bool:
    """Whether a network or domain is worth telling.

    Args:
        group: What came from there in the last hour.
        of_all: All that came in that hour.
        before: What came from there in the day before it.
        before_all: All that came in that day.
    """
    share = group.signatures / max(1, of_all)
    usual = (before + 1) / (before_all + _USUAL)
    if group.signatures < LEAST or share < max(_SHARE, _GROWTH * usual):
        return False
    return group.signatures >= _LARGE or group.unconfirmed >= _UNCONFIRMED * group.signatures


def name_trends(names: Iterable[tuple[str, bool]]) -> list[NameGroup]:
    """Patterns that many of the names share and that people's names do not; pairs of name, is confirmed."""
    every: Counter[tuple[str, str]] = Counter()
    unconfirmed: Counter[tuple[str, str]] = Counter()
    total = 0
    for name, is_confirmed in names:
        total += 1
        for key in _keys(name):
            every[key] += 1
            unconfirmed[key] += not is_confirmed
    found = [
        NameGroup(kind, word, n, unconfirmed[kind, word])
        for (kind, word), n in every.most_common()
        if _is_told(kind, n, unconfirmed[kind, word], total)
    ]
    return found[:10]


def _keys(name: str) -> Iterator[tuple[str, str]]:
    shape = shape_of(name)
    if is_odd(shape):
        yield "shape", shape
    words = fold_name(name).split()
    if words:
        yield "first_word", f"{escape(words[0])}*"
    if len(words) > 1:
        yield "last_word", f"* {escape(words[-1])}"


def _is_told(kind: str, signatures: int, unconfirmed: int, total: int) -> bool:
    if kind == "shape":
        return signatures >= _LEAST_ODD and signatures >= _SHARE * total
    return (
        signatures >= _LEAST_WORD
        and signatures >= _WORD_SHARE * total
        and unconfirmed >= _UNCONFIRMED * signatures
    )
