"""What some tests need from the machine: present in CI, perhaps missing on a desk."""

import os
from pathlib import Path

import pytest


def require(present: bool, what: str) -> None:
    """Skip where a tool is missing; under `CI=true` that is a failure, for then it must be there."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI skips nothing")
    pytest.skip(f"{what} is missing")


DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")
"""Debian 12's PostgreSQL, the oldest that Haven supports."""


def require_debian_postgres() -> Path:
    """The folder of Debian's `initdb` and `postgres`."""
    require((DEBIAN_POSTGRES / "postgres").exists(), f"PostgreSQL 15 in {DEBIAN_POSTGRES}")
    return DEBIAN_POSTGRES
