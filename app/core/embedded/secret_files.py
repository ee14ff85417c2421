"""Secrets in files that only their owner can read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def keep_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file; makes it where it is missing (mode 0600, its new folder 0700).

    The file appears whole or not at all, so that a crash leaves no empty secret.
    """
    if path.exists():
        return path.read_text("ascii").strip()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = make()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(draft, secret + "\n")
    draft.replace(path)
    return secret


def write_private(path: Path, text: str) -> None:
    """Write a new file with mode 0600, on the disk when this returns; refuses one that exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def new_password() -> str:
    """A random password of 192 bits."""
    return secrets.token_urlsafe(24)
