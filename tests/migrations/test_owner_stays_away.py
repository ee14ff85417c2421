"""No serving process is told the owner's address, whatever the terminal's environment holds."""

from pathlib import Path

import pytest

from devtools.run.environment import Addresses, Environments, choose_stripe
from devtools.run.keys import make_keys
from devtools.run.ports import choose_ports

OWNER = "postgresql://haven_owner:the-owners-password@db.example/haven"
OUTER = {
    "HAVEN_DATABASE_URL": OWNER,
    "HAVEN_DATABASE_URL_FILE": "/run/secrets/the-owners-password",
    "PGPASSWORD": "the-owners-password",
    "PGUSER": "haven_owner",
    "PATH": "/usr/bin",
}


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    files = make_keys(tmp_path / "keys")
    stripe = choose_stripe(OUTER, files)
    return Environments(
        OUTER,
        ports=choose_ports(OUTER, tmp_path, simulator=True, database=False),
        files=files,
        stripe=stripe,
        addresses=Addresses(
            owner=OWNER, public="postgresql://public@db/haven", internal="postgresql://internal@db/haven"
        ),
        data=tmp_path,
    )


@pytest.mark.parametrize("process", ["public", "staff", "worker", "mail", "stripe"])
def test_a_serving_process_never_holds_the_owners_address(environments: Environments, process: str) -> None:
    environment = environments.of(process)
    assert not [name for name, value in environment.items() if "owner" in value]
    assert not [name for name in environment if name.startswith(("HAVEN_DATABASE_URL", "PG"))]


@pytest.mark.parametrize(
    ("process", "never"),
    [
        ("public", ("OPENING_KEY", "HASH_KEY", "INTERNAL_DATABASE_URL")),
        ("staff", ("FORM_KEY", "PUBLIC_DATABASE_URL", "STRIPE_SECRET_KEY")),
        ("worker", ("FORM_KEY", "PUBLIC_DATABASE_URL")),
        ("mail", ("KEY", "DATABASE_URL", "SECRET")),
        ("stripe", ("KEY", "DATABASE_URL")),
    ],
)
def test_a_process_holds_no_secret_of_another(
    environments: Environments, process: str, never: tuple[str, ...]
) -> None:
    held = [name.removesuffix("_FILE").removeprefix("HAVEN_") for name in environments.of(process)]
    assert not [name for name in held for part in never if name.endswith(part)]


def test_the_migration_is_told(environments: Environments) -> None:
    assert environments.of("migrate")["HAVEN_DATABASE_URL"] == OWNER
