"""A database that has died is started again, unless it is held back."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devtools.run import child
from devtools.run.database import HOLD, EmbeddedDatabase


@dataclass
class DeadServer:
    log: Path = field(default=Path("postgres.log"))
    running: bool = False
    starts: int = 0

    def start(self) -> None:
        self.starts += 1


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedDatabase:
    monkeypatch.setattr(child, "FIRST_PAUSE", 0.0)
    database = EmbeddedDatabase(tmp_path, 1, lambda: False)
    monkeypatch.setattr(database, "server", DeadServer())
    return database


def test_the_dead_is_started_again(database: EmbeddedDatabase) -> None:
    database.tend()
    database.tend()

    assert database.server.starts == 1  # type: ignore[attr-defined]  # the server is a stand-in


def test_the_dead_stays_dead_as_long_as_it_is_held_back(database: EmbeddedDatabase, tmp_path: Path) -> None:
    (tmp_path / HOLD).touch()
    for _ in range(5):
        database.tend()
    assert database.server.starts == 0  # type: ignore[attr-defined]  # the server is a stand-in

    (tmp_path / HOLD).unlink()
    database.tend()

    assert database.server.starts == 1  # type: ignore[attr-defined]  # the server is a stand-in


def test_a_restart_waits_longer_each_time_and_not_after_ten_steady_seconds() -> None:
    backoff = child.Backoff()

    assert [backoff.next_pause() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.started_at -= 11
    assert backoff.next_pause() == 0.5
