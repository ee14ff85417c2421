"""How names look: what a machine's names have in common, told without keeping any of them."""

import unicodedata
from itertools import groupby

_ALIKE = 3
"""One letter so often in a row stands in no name ("Aaa", "xxxxx")."""
_PLAIN = frozenset("Xx .,'’-")


def fold_name(name: str) -> str:
    """A name as it is compared: one form of each letter, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def shape_of(name: str) -> str:
    """The classes of a name's letters, each run as one: "Robot 17" is `Xx 9`, "Aaaa Bo" is `= Xx`.

    `X` and `x` are letters (those without case are `x`), `9` digits, `=` one letter three times or more in a
    row; anything else stands for itself. At most 40 characters.
    """
    words = [_word(word) for word in unicodedata.normalize("NFKC", name).split()]
    return " ".join(words)[:40]


def is_odd(shape: str) -> bool:
    """Whether people's names do not look so: digits, repeated letters, or signs that names have not."""
    return not set(shape) <= _PLAIN


def _word(word: str) -> str:
    runs = [(letter, len(list(run))) for letter, run in groupby(word.casefold())]
    if any(letter.isalpha() and length >= _ALIKE for letter, length in runs):
        return "="
    return "".join(kind for kind, _ in groupby(map(_kind, word)))


def _kind(letter: str) -> str:
    if letter.isupper():
        return "X"
    if letter.isalpha() or unicodedata.combining(letter):
        return "x"
    return "9" if letter.isdigit() else letter
