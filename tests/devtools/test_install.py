"""Making `.venv`: once, and again only when a lock has changed."""

import sys
from pathlib import Path

import pytest

from devtools import install

LOCK_NAMES = (install.BOOTSTRAP, *install.LOCKS["local"], *install.LOCKS["dev"])


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A checkout with a working Python; notes what would be installed, and fails what a test asks it to."""
    ran: list[list[str]] = []
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    for name in LOCK_NAMES:
        (tmp_path / name).write_text(f"# {name}\n")

    def note(command: list[str]) -> bool:
        ran.append(command)
        return True

    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "works", lambda _python: True)
    monkeypatch.setattr(install, "run", note)
    return ran


def installs(monkeypatch: pytest.MonkeyPatch, which: str) -> int:
    monkeypatch.setattr(sys, "argv", ["install.py", which])
    return install.main()


def test_second_time_does_nothing(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert installs(monkeypatch, "dev") == 0
    assert [command[-1] for command in commands] == [
        "requirements-bootstrap.lock",
        "requirements-dev.lock",
        "requirements-dev-nodeps.lock",
    ]
    assert all("--require-hashes" in command for command in commands)
    assert ["--no-deps" in command for command in commands] == [False, False, True]
    commands.clear()

    assert installs(monkeypatch, "dev") == 0
    assert commands == []


def test_changed_lock_is_installed(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs(monkeypatch, "local")
    commands.clear()
    (tmp_path / "requirements-local.lock").write_text("# changed\n")

    assert installs(monkeypatch, "local") == 0
    assert commands[-1][-1] == "requirements-local.lock"


@pytest.mark.parametrize("broken", ["pip's uv", "uv's work"])
def test_pip_does_what_uv_cannot(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(command: list[str]) -> bool:
        commands.append(command)
        return "uv" not in command and not (broken == "pip's uv" and command[-1] == install.BOOTSTRAP)

    monkeypatch.setattr(install, "run", fail)

    assert installs(monkeypatch, "local") == 0
    assert commands[-1][1:4] == ["-m", "pip", "install"]
    assert commands[-1][-1] == "requirements-local.lock"


def test_failure_is_not_remembered_as_success(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "run", lambda _command: False)

    assert installs(monkeypatch, "local") == 1
    assert not list((tmp_path / ".venv").glob("*.stamp"))


def test_old_python_is_told_what_to_do(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "OLDEST", (9, 0))

    assert installs(monkeypatch, "local") == 1
    assert "PYTHON=" in capsys.readouterr().err
    assert commands == []
