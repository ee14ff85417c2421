"""The worker takes a single letter at once, and lets few that come one after the other gather."""

import time
from typing import cast

import pytest

from app.cli import working
from app.petitions.resolving import Resolver

GATHER = 0.3


class Resolves:
    """Says that it has taken so many letters."""

    def __init__(self, letters: int) -> None:
        self._letters = letters

    async def run(self) -> int:
        return self._letters


@pytest.mark.parametrize(("letters", "waits"), [(0, False), (1, True), (19, True), (20, False), (500, False)])
async def test_only_after_few_letters_the_next_ones_gather(
    monkeypatch: pytest.MonkeyPatch, letters: int, waits: bool
) -> None:
    monkeypatch.setattr(working, "_GATHER_SECONDS", GATHER)
    load = working._Load()
    began = time.monotonic()
    assert await load.resolve(cast("Resolver", Resolves(letters))) == letters
    assert (time.monotonic() - began >= GATHER * 0.9) is waits
