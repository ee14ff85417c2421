"""The domain that a mistyped one probably meant."""

from app.supporters.providers import WELL_KNOWN_DOMAINS

_KNOWN = frozenset(WELL_KNOWN_DOMAINS)
_SHORTEST_NAME = 5
"""Below this nearly everything is one letter from something: me.com, live.com, ukr.net are never guessed."""
_LONG_NAME = 7
_SHORTEST_ENDING = 3
"""yahoo.gr is not a slip for yahoo.fr; yahoo.con is one for yahoo.com."""


def suggest_domain(domain: str) -> str | None:
    """The well-known domain that is one or two slips away ("gmial.com" → "gmail.com"), or None.

    Never for a domain that is itself well known. It is a question to the reader, never a correction.
    """
    typed = domain.strip().lower()
    name, _, ending = typed.partition(".")
    if typed in _KNOWN or not ending or len(typed) > max(map(len, _KNOWN)) + 2:
        return None
    ranked = [(slips, known) for known in WELL_KNOWN_DOMAINS if (slips := _slips(name, ending, known))]
    return min(ranked, key=lambda guess: guess[0])[1] if ranked else None


def suggest_address(address: str) -> str | None:
    """The address with the domain that was probably meant, or None where there is nothing to ask."""
    local, _, domain = address.rpartition("@")
    meant = suggest_domain(domain)
    return f"{local}@{meant}" if local and meant else None


def _slips(name: str, ending: str, known: str) -> int:
    """How many slips lie between; 0 when too many for a guess."""
    meant, _, meant_ending = known.partition(".")
    allowed = 2 if len(meant) >= _LONG_NAME else 1
    if len(meant) < _SHORTEST_NAME or abs(len(name) - len(meant)) > allowed:
        return 0
    in_ending = slips_between(ending, meant_ending)
    if in_ending > (1 if len(meant_ending) >= _SHORTEST_ENDING else 0):
        return 0
    in_name = slips_between(name, meant)
    return in_name + in_ending if in_name <= allowed else 0


def slips_between(one: str, other: str) -> int:
    """Letters left out, added, changed or swapped with their neighbour (optimal string alignment)."""
    if one == other:
        return 0
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, right in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
