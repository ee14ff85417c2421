"""Settings: read from the environment, and refused where a role may not run with them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.crypto.keys import new_keys
from app.settings import ConfigurationRefused, Role, check, load, secrets_of

KEYS = {f"HAVEN_{name.upper()}": value for name, value in new_keys().encoded().items()}
EVERYTHING = {
    **KEYS,
    "HAVEN_DATABASE_URL": "postgresql://haven_owner:secret-of-owner@db/haven",
    "HAVEN_PUBLIC_DATABASE_URL": "postgresql://haven_public:secret-of-public@db/haven",
    "HAVEN_INTERNAL_DATABASE_URL": "postgresql://haven_internal:secret-of-internal@db/haven",
    "HAVEN_STRIPE_SECRET_KEY": "sk_test_51abcdefghijklmnop",
    "HAVEN_STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdefghij",
    "HAVEN_PUBLIC_URL": "https://haven.example",
    "HAVEN_STAFF_URL": "https://staff.haven.example",
}
PLAIN = ("HAVEN_PUBLIC_URL", "HAVEN_STAFF_URL")
HELD = {
    Role.PUBLIC: (
        *("HAVEN_PUBLIC_DATABASE_URL", "HAVEN_SEALING_KEY", "HAVEN_FORM_KEY", "HAVEN_STRIPE_SECRET_KEY"),
        "HAVEN_STRIPE_WEBHOOK_SECRET",
    ),
    Role.STAFF: (
        *("HAVEN_INTERNAL_DATABASE_URL", "HAVEN_SEALING_KEY", "HAVEN_OPENING_KEY", "HAVEN_HASH_KEY"),
    ),
    Role.WORKER: (
        *("HAVEN_INTERNAL_DATABASE_URL", "HAVEN_SEALING_KEY", "HAVEN_OPENING_KEY", "HAVEN_HASH_KEY"),
        "HAVEN_STRIPE_SECRET_KEY",
    ),
    Role.OWNER: ("HAVEN_DATABASE_URL",),
}
"""What each role needs: with these and no more it starts."""
FORBIDDEN = {
    Role.PUBLIC: (
        *("HAVEN_DATABASE_URL", "HAVEN_INTERNAL_DATABASE_URL", "HAVEN_OPENING_KEY", "HAVEN_HASH_KEY"),
    ),
    Role.STAFF: ("HAVEN_DATABASE_URL", "HAVEN_FORM_KEY"),
    Role.WORKER: ("HAVEN_DATABASE_URL", "HAVEN_FORM_KEY"),
    Role.OWNER: (),
}


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Nothing of Haven's comes from outside, and nothing stays: `load` itself writes what files hold."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("HAVEN_"):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def environment_of(role: Role) -> dict[str, str]:
    return {name: EVERYTHING[name] for name in (*HELD[role], *PLAIN)}


def problems_of(role: Role, environment: Mapping[str, str]) -> list[str]:
    os.environ.update(environment)
    refused: ConfigurationRefused | None = None
    try:
        check(load(), role)
    except ConfigurationRefused as error:
        refused = error
    quoted = [value for name, value in EVERYTHING.items() if value in str(refused) and name not in PLAIN]
    assert not quoted, "a refusal quotes no secret"
    return refused.problems if refused else []


@pytest.mark.parametrize("role", Role)
def test_a_role_runs_with_what_it_needs(role: Role) -> None:
    assert problems_of(role, environment_of(role)) == []


@pytest.mark.parametrize(("role", "name"), [(role, name) for role in Role for name in HELD[role]])
@pytest.mark.parametrize("how", ["unset", "empty"])
def test_a_role_needs_all_of_it(role: Role, name: str, how: str) -> None:
    environment = environment_of(role)
    if how == "unset":
        del environment[name]
    else:
        environment[name] = ""
    [problem] = problems_of(role, environment)
    assert problem == f"Set {name}: the {role} role needs it."


@pytest.mark.parametrize(("role", "name"), [(role, name) for role in Role for name in FORBIDDEN[role]])
@pytest.mark.parametrize("demo", ["0", "1"])
def test_a_role_refuses_what_is_not_its_own(role: Role, name: str, demo: str) -> None:
    environment = environment_of(role) | {name: EVERYTHING[name], "HAVEN_DEMO": demo}
    [problem] = problems_of(role, environment)
    assert problem == f"Unset {name}: the {role} role must not hold it."


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("key", ["sk_live_51abcdefghijklmnop", "rk_live_51abcdefghijklmnop"])
@pytest.mark.parametrize("demo", ["0", "1"])
def test_live_keys_are_refused_everywhere(role: Role, key: str, demo: str) -> None:
    environment = environment_of(role) | {"HAVEN_STRIPE_SECRET_KEY": key, "HAVEN_DEMO": demo}
    [problem] = problems_of(role, environment)
    assert "live key" in problem
    assert key not in problem


@pytest.mark.parametrize("key", ["pk_test_51abcdef", "sk-test", "changeme", "SK_TEST_x"])
def test_what_is_no_test_key_is_refused(key: str) -> None:
    environment = environment_of(Role.PUBLIC) | {"HAVEN_STRIPE_SECRET_KEY": key}
    [problem] = problems_of(Role.PUBLIC, environment)
    assert "no Stripe test key" in problem


@pytest.mark.parametrize("secret", ["changeme", "whsec_", "whsec_short", "0123456789abcdef0123456789", "  "])
def test_a_weak_webhook_secret_is_refused(secret: str) -> None:
    environment = environment_of(Role.PUBLIC) | {"HAVEN_STRIPE_WEBHOOK_SECRET": secret}
    [problem] = problems_of(Role.PUBLIC, environment)
    assert problem.startswith("HAVEN_STRIPE_WEBHOOK_SECRET is weak")


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("role", Role)
def test_links_are_https_outside_the_demo(name: str, role: Role) -> None:
    environment = environment_of(role) | {name: "http://haven.example"}
    [problem] = problems_of(role, environment)
    assert problem == f"{name} must begin with https:// outside demo mode."
    assert problems_of(role, environment | {"HAVEN_DEMO": "1"}) == []


def test_the_simulator_is_for_the_demo() -> None:
    environment = environment_of(Role.PUBLIC) | {"HAVEN_STRIPE_API_BASE": "http://127.0.0.1:12111"}
    [problem] = problems_of(Role.PUBLIC, environment)
    assert problem.startswith("Unset HAVEN_STRIPE_API_BASE")
    assert problems_of(Role.PUBLIC, environment | {"HAVEN_DEMO": "1"}) == []


def test_every_problem_is_told_at_once() -> None:
    problems = problems_of(Role.PUBLIC, {"HAVEN_OPENING_KEY": EVERYTHING["HAVEN_OPENING_KEY"]})
    assert len(problems) == len(HELD[Role.PUBLIC]) + 1 + len(PLAIN)


def test_a_file_stands_in_for_a_value(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{EVERYTHING['HAVEN_SEALING_KEY']}\n")
    environment = environment_of(Role.PUBLIC)
    del environment["HAVEN_SEALING_KEY"]
    environment["HAVEN_SEALING_KEY_FILE"] = str(tmp_path / "key")
    assert problems_of(Role.PUBLIC, environment) == []
    assert secrets_of(load())["sealing_key"] == EVERYTHING["HAVEN_SEALING_KEY"]


def test_a_value_goes_before_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file")
    os.environ.update({"HAVEN_FORM_KEY": "from the value", "HAVEN_FORM_KEY_FILE": str(tmp_path / "key")})
    assert secrets_of(load())["form_key"] == "from the value"


def test_a_forbidden_secret_in_a_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(EVERYTHING["HAVEN_OPENING_KEY"])
    environment = environment_of(Role.PUBLIC) | {"HAVEN_OPENING_KEY_FILE": str(tmp_path / "key")}
    assert problems_of(Role.PUBLIC, environment) == [
        "Unset HAVEN_OPENING_KEY: the public role must not hold it."
    ]


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    environment = environment_of(Role.PUBLIC)
    del environment["HAVEN_FORM_KEY"]
    environment["HAVEN_FORM_KEY_FILE"] = str(tmp_path / "key")
    assert problems_of(Role.PUBLIC, environment) == ["Set HAVEN_FORM_KEY: the public role needs it."]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    [problem] = problems_of(Role.PUBLIC, environment_of(Role.PUBLIC) | {"HAVEN_HASH_KEY_FILE": str(missing)})
    assert problem.startswith(f"HAVEN_HASH_KEY_FILE: cannot read {missing} (No such file")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAVEN_STRIPE_MODE", "live"),
        ("HAVEN_PUBLIC_PORT", "eighty"),
        ("HAVEN_PUBLIC_URL", "haven.example"),
        ("HAVEN_PUBLIC_URL", "https://haven.example/path"),
        ("HAVEN_MAX_BODY_BYTES", "1"),
        ("HAVEN_DATABASE_POOL_SIZE", "0"),
        ("HAVEN_SMTP_TLS", "perhaps"),
        ("HAVEN_DEMO", "sometimes"),
        ("HAVEN_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    [problem] = problems_of(Role.PUBLIC, environment_of(Role.PUBLIC) | {name: value})
    assert problem.startswith(f"{name}: ")


def test_a_repr_shows_no_secret() -> None:
    os.environ.update(EVERYTHING)
    shown = repr(load()) + str(load())
    assert not [value for name, value in EVERYTHING.items() if name not in PLAIN and value in shown]
