"""A Haven of its own for each module that kills its processes."""

import os
import sys
from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.processes import Processes
from tests.journeys.running import Running, end, start


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    run = start()
    yield run
    end(run)


@pytest.fixture
def processes(running: Running) -> Processes:
    return Processes(running)


@pytest.fixture
def evidence(running: Running) -> Evidence:
    return Evidence(running)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Writes to the terminal, whatever pytest captures."""

    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return say


@pytest.fixture
def seed(tell: Callable[[str], None]) -> str:
    """Makes the people, the kills and their moments; `HAVEN_CHAOS_SEED` repeats a run's plan."""
    chosen = os.environ.get("HAVEN_CHAOS_SEED") or token_hex(4)
    tell(f"HAVEN_CHAOS_SEED={chosen}")
    return chosen
