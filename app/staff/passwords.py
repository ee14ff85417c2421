"""Passwords: argon2id off the event loop, the same work whether or not there is an account."""

import asyncio
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Overloaded
from app.core.tokens import new_token
from app.staff.errors import WeakPassword

MIN_LENGTH = 12
"""NIST SP 800-63B-4 asks for 8 beside a second factor and 15 without; 12 until the second factor comes."""

MAX_LENGTH = 1024

_MIN_UNKNOWN = 8
_MIN_DISTINCT = 5
_COMMON = ("password", "passwort", "haven", "welcome", "refugees", "letmein", "qwerty", "admin", "iloveyou")
_RUNS = ("0123456789", "9876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST_PART = 3
_RUN = 4

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Cost:
    """Argon2id's parameters.

    The default is the second recommended option of RFC 9106 §4 (64 MiB, three passes, four lanes); OWASP's
    Password Storage Cheat Sheet (2025) asks for no less than 19 MiB and two passes, or 46 MiB and one.
    """

    memory_kib: int = 65536
    passes: int = 3
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password was right, and whether its hash was made with other parameters than now."""

    matches: bool
    needs_rehash: bool = False


class Passwords:
    """Hashes and verifies, at most `at_once` together (each takes 64 MiB) and `waiting` behind them."""

    def __init__(self, cost: Cost | None = None, *, at_once: int = 2, waiting: int = 32) -> None:
        cost = cost or Cost()
        self._hasher = PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._nobody = self._hasher.hash(new_token())
        self._turn = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def hash(self, password: str) -> str:
        """The encoded hash to store. Raises Overloaded when too many wait."""
        return await self._work(self._hash, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Compare a password with a stored hash; without one, do the same work and say no.

        Raises:
            Overloaded: Too many wait for their turn; nothing was compared.
        """
        return await self._work(self._verify, password, stored)

    async def _work(self, work: Callable[..., Result], *given: str | None) -> Result:
        if self._room <= 0:
            raise Overloaded
        self._room -= 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *given)
        finally:
            self._room += 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_prepared(password))

    def _verify(self, password: str, stored: str | None) -> Verdict:
        against = stored or self._nobody
        try:
            self._hasher.verify(against, _prepared(password))
        except (VerificationError, InvalidHashError):
            return Verdict(matches=False)
        return Verdict(matches=stored is not None, needs_rehash=self._hasher.check_needs_rehash(against))


def check_strength(password: str, *, email: str, name: str = "") -> None:
    """Refuse what a stranger would try first.

    What everybody knows (the address, the name, keyboard runs, the commonest words) counts for nothing: at
    least 8 other characters must remain, 5 of them different. No rules on kinds of characters (NIST
    SP 800-63B-4 §3.1.1.2).

    Raises:
        WeakPassword: Says what to change.
    """
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"Please use at least {MIN_LENGTH} characters.", field="password")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Please use at most {MAX_LENGTH} characters.", field="password")
    unknown = _without_runs(_normal(password).casefold())
    for part in sorted(_known_parts(email, name), key=len, reverse=True):
        unknown = unknown.replace(part, "")
    if len(unknown) < _MIN_UNKNOWN or len(set(unknown)) < _MIN_DISTINCT:
        raise WeakPassword(
            "This password is easy to guess: it is built from your name, your address, a common word or a "
            "row of keys. Please choose another, for example four words that do not belong together.",
            field="password",
        )


def _known_parts(email: str, name: str) -> set[str]:
    words = re.split(r"[^\w]+|_", f"{_normal(email)} {_normal(name)}".casefold())
    parts = {word for word in words if len(word) >= _SHORTEST_PART}
    local = email.casefold().partition("@")[0]
    return parts | set(_COMMON) | ({local} if len(local) >= _SHORTEST_PART else set())


def _without_runs(text: str) -> str:
    """The text without rows of four or more neighbouring keys, letters or figures."""
    kept, at = [], 0
    while at < len(text):
        length = max(_run_length(text[at:], run) for run in _RUNS)
        if length < _RUN:
            kept.append(text[at])
            length = 1
        at += length
    return "".join(kept)


def _run_length(text: str, run: str) -> int:
    """How many characters at the beginning of the text follow each other in the run."""
    start = run.find(text[0])
    if start < 0:
        return 0
    pairs = zip(text, run[start:], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _normal(password: str) -> str:
    """NFKC, so that one password typed on two keyboards is one password (NIST SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _prepared(password: str) -> bytes:
    return _normal(password[:MAX_LENGTH]).encode("utf-8", "surrogatepass")
