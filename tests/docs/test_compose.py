"""`compose.yaml`: each role gets its own secrets and nobody else's, and the roles are kept apart.

Parsed by the reader that the tests' own dependencies bring; docker itself is not needed.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs in the lock

from app.settings import _NEEDED, _REFUSED, Role, Settings
from tests.docs.test_env_example import defaults

ROOT = Path(__file__).resolve().parents[2]
ROLES = {"public": Role.PUBLIC, "staff": Role.STAFF, "worker": Role.WORKER, "migrate": Role.OWNER}
SERVING = ("public", "staff", "worker")
SECRET = re.compile(r"KEY|PASSWORD|SECRET|DATABASE_URL")

# Demo mode and its simulator have no place in production, where there is one mode; the image sets the others.
ELSEWHERE = {
    *("HAVEN_DEMO", "HAVEN_STRIPE_API_BASE", "HAVEN_STRIPE_MODE"),
    *("HAVEN_HOST", "HAVEN_PUBLIC_PORT", "HAVEN_STAFF_PORT", "HAVEN_WORKER_PORT"),
}

Service = dict[str, Any]  # YAML


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = compose["services"]
    return found


def settings_of(service: Service) -> set[str]:
    return {name.removesuffix("_FILE") for name in service["environment"] if name.startswith("HAVEN_")}


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_told_all_that_it_needs_and_nothing_that_it_refuses(
    services: dict[str, Service], name: str
) -> None:
    given = settings_of(services[name])

    assert {f"HAVEN_{setting.upper()}" for setting in _NEEDED[ROLES[name]]} <= given
    assert not {f"HAVEN_{setting.upper()}" for setting in _REFUSED[ROLES[name]]} & given
    assert given <= defaults(Settings).keys()


def test_every_setting_that_env_may_hold_reaches_a_role(services: dict[str, Service]) -> None:
    given = set().union(*(settings_of(service) for service in services.values()))

    assert defaults(Settings).keys() - given - ELSEWHERE == set()


@pytest.mark.parametrize("name", ROLES)
def test_secrets_come_as_files_and_only_those_that_are_read(
    services: dict[str, Service], compose: dict[str, Any], name: str
) -> None:
    environment, mounted = services[name]["environment"], services[name]["secrets"]

    files = {value for variable, value in environment.items() if variable.endswith("_FILE")}
    assert files == {f"/run/secrets/{secret}" for secret in mounted}
    assert not [v for v in environment if SECRET.search(v) and not v.endswith("_FILE")]
    assert all(compose["secrets"][secret]["file"].startswith("./secrets/") for secret in mounted)


def test_no_serving_process_holds_the_owner_or_the_superuser(services: dict[str, Service]) -> None:
    for name in SERVING:
        assert not {"HAVEN_DATABASE_URL", "POSTGRES_PASSWORD"} & set(services[name]["secrets"])


def test_the_public_role_holds_nothing_that_reads_people(services: dict[str, Service]) -> None:
    held = set(services["public"]["secrets"])

    assert not {"HAVEN_OPENING_KEY", "HAVEN_HASH_KEY", "HAVEN_INTERNAL_DATABASE_URL"} & held


def test_public_shares_no_network_with_staff_or_worker(services: dict[str, Service]) -> None:
    public = set(services["public"]["networks"])

    assert not public & set(services["staff"]["networks"])
    assert not public & set(services["worker"]["networks"])


def test_the_database_is_reached_from_inside_only(
    services: dict[str, Service], compose: dict[str, Any]
) -> None:
    assert "ports" not in services["postgres"]
    assert all(compose["networks"][name]["internal"] for name in services["postgres"]["networks"])


def test_ports_are_published_to_this_machine_alone(services: dict[str, Service]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert len(published) == len(("public", "staff"))
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", SERVING)
def test_nothing_serves_before_the_migration_has_succeeded(services: dict[str, Service], name: str) -> None:
    waits = services[name]["depends_on"]

    assert waits["migrate"] == {"condition": "service_completed_successfully"}
    assert waits["postgres"] == {"condition": "service_healthy"}
    assert services[name]["restart"] == "unless-stopped"


def test_every_container_is_held_short(services: dict[str, Service]) -> None:
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_images_are_pinned(services: dict[str, Service]) -> None:
    for service in services.values():
        assert re.search(r":\d+\.\d+", service["image"]), service["image"]


def test_every_container_can_be_asked_how_it_is(services: dict[str, Service]) -> None:
    assert services["postgres"]["healthcheck"]["test"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert not [name for name in SERVING if "healthcheck" in services[name]]
