"""Who the server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.core.embedded.failures import EmbeddedPostgresError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The unprivileged user that a server started by root runs as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, data: Path) -> Self | None:
        """The account for a data folder: its owner, or a usual one when it is yet to be made.

        Returns None when this process is an ordinary user and needs no other.
        """
        if os.geteuid() != 0:
            return None
        if data.exists() and (owner := data.stat().st_uid) != 0:
            return cls._from(pwd.getpwuid(owner))
        for name in CANDIDATES:
            try:
                return cls._from(pwd.getpwnam(name))
            except KeyError:
                continue
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is neither an account 'postgres' nor 'nobody': "
            "run this as an ordinary user."
        )

    @classmethod
    def _from(cls, entry: pwd.struct_passwd) -> Self:
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)
