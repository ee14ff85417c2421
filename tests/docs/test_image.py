"""What the image is made of, as far as that can be seen without building it."""

import importlib.util
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from app.crypto.keys import new_keys
from tests.docs.test_compose import ROOT

ENVIRONMENT = {"HAVEN_PUBLIC_PORT": "8000", "HAVEN_STAFF_PORT": "8001", "HAVEN_WORKER_PORT": "8002"}


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"

    found = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout + found.stderr


def test_the_image_holds_what_runs_and_nothing_that_is_secret(dockerfile: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE))

    assert "*" in ignored
    assert {path.partition("/")[0] for path in copied} <= let_in
    assert {"app", "migrations", "alembic.ini", "requirements.lock"} <= copied
    assert not {"devtools", "tests", "secrets", "var", ".env"} & let_in


def test_it_runs_without_root_from_a_pinned_base(dockerfile: str) -> None:
    base = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)

    assert base
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base[1])
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("haven serve", "8000"),
        ("haven serve --role public", "8000"),
        ("haven serve --role staff", "8001"),
        ("haven serve --role=staff", "8001"),
        ("docker-init -- haven worker", "8002"),
    ],
)
def test_the_health_check_asks_the_port_of_its_role(command: str, port: str) -> None:
    spec = importlib.util.spec_from_file_location("health", ROOT / "deploy" / "health.py")
    assert spec is not None
    assert spec.loader is not None
    health = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(health)
    port_of = cast("Callable[[list[str], dict[str, str]], str]", health.port_of)

    assert port_of(command.split(), ENVIRONMENT) == port


def make_secrets(folder: Path, given: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "deploy" / "new-secrets.sh"
    return subprocess.run(
        ["sh", script], cwd=folder, input=given, capture_output=True, text=True, check=False
    )


def test_secrets_are_made_once_for_every_file_that_compose_names(tmp_path: Path) -> None:
    keys = new_keys().encoded()
    given = "".join(f"HAVEN_{name.upper()}={value}\n" for name, value in keys.items())

    made = make_secrets(tmp_path, given)

    secrets = tmp_path / "secrets"
    assert made.returncode == 0, made.stderr
    named = set(re.findall(r"\./secrets/(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert set(os.listdir(secrets)) == named  # noqa: PTH208 - names, not paths
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert (secrets / "HAVEN_OPENING_KEY").read_text().strip() == keys["opening_key"]
    addresses = [(secrets / name).read_text().strip() for name in named if name.endswith("_URL")]
    assert len(set(addresses)) == 3
    assert all(re.fullmatch(r"postgresql://haven_\w+:[0-9a-f]{48}@postgres:5432/haven", a) for a in addresses)

    again = make_secrets(tmp_path, given)
    assert again.returncode == 1
    assert (secrets / "HAVEN_OPENING_KEY").read_text().strip() == keys["opening_key"]


def test_without_keys_no_secrets_are_left_behind(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "")

    assert made.returncode == 1
    assert "keys new" in made.stderr
    assert not (tmp_path / "secrets").exists()
