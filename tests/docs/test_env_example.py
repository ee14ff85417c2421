"""`.env.example` holds every setting with its default, and nothing that is no setting."""

import itertools
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TOOLS = "# --- Only for `make run` and the tests"
# What `make run` and the tests tell their own children, and names that only stand for others in a text.
HANDED_ON = {
    "HAVEN_DEMO_STAFF_EMAIL",
    "HAVEN_DEMO_STAFF_PASSWORD",
    "HAVEN_STRIPE_SIM_CONTRACT",
    "HAVEN_STRIPE_SIM_SETTLE_SECONDS",
    "HAVEN_STRIPE_SIM_STATE",
    "HAVEN_STRIPE_SIM_URL",
    "HAVEN_STRIPE_WEBHOOK_URL",
    "HAVEN_X",
}
LINE = re.compile(r"^#(HAVEN_[A-Z_]+)=(.*)$", re.MULTILINE)


def example() -> tuple[dict[str, str], dict[str, str]]:
    """The settings, and what only tools read."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    settings, _, tools = text.partition(TOOLS)
    return as_settings(settings), as_settings(tools)


def as_settings(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in LINE.findall(text)}


def in_words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(int(value))
    assert not isinstance(value, SecretStr), "a secret must have no default"
    return f"{value:g}" if isinstance(value, float) else str(value)


def defaults(section: type[BaseSettings]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseSettings):
            found |= defaults(kind)
        else:
            found[f"HAVEN_{name.upper()}"] = in_words(field.default)
    return found


def test_every_setting_stands_there_with_its_default_and_nothing_else() -> None:
    settings, _ = example()

    assert settings == defaults(Settings)


def test_what_only_tools_read_is_read_by_them() -> None:
    _, tools = example()
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("devtools", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
    )

    assert tools
    for name in tools:
        port = name.removeprefix("HAVEN_").removesuffix("_PORT").lower()
        assert name in sources or f'"{port}"' in sources, name


def test_no_variable_is_read_in_secret() -> None:
    settings, tools = example()
    named = {
        name.removesuffix("_FILE")
        for folder in ("app", "devtools")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\bHAVEN_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }

    assert named <= settings.keys() | tools.keys() | HANDED_ON


def test_every_line_says_why() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()

    for before, line in itertools.pairwise(lines):
        if LINE.match(line):
            assert re.match(r"^# \S.{10,}", before), f"nothing is said about {line}"


def test_the_example_is_what_it_says_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = example()
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    given = Settings()
    for name in settings:
        monkeypatch.delenv(name)

    assert given == Settings()
