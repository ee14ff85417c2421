"""Which port each part listens on, and whether it is free."""

import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.run.say import CannotRun

LOOPBACK = "127.0.0.1"
FIXED = {"public": 8000, "staff": 8001, "mail": 8025, "smtp": 1025, "stripe": 12111}
# Nobody types these. Each checkout begins to look at a place of its own, so that two that start at the same
# moment do not find the same port free; all lie below the ports that the kernel hands out.
FIRST_POSTGRES, FIRST_WORKER, SPAN = 20000, 25000, 5000
HIGHEST = 65535


@dataclass(frozen=True)
class Ports:
    """One port for each listener."""

    public: int
    staff: int
    worker: int
    mail: int
    smtp: int
    stripe: int
    postgres: int


def choose_ports(environment: Mapping[str, str], root: Path, *, simulator: bool, database: bool) -> Ports:
    """The ports from `HAVEN_…_PORT`, or the usual ones, all of them free.

    The worker's and PostgreSQL's are found free when they are not given.

    Raises:
        CannotRun: A port is no number, taken, or given twice; lists every such port.
    """
    host = listening_host(environment)
    asked = {name: _given(environment, name) or usual for name, usual in FIXED.items()}
    asked |= {
        name: given for name in ("worker", "postgres") if (given := _given(environment, name)) is not None
    }
    unused = {name for name, wanted in (("stripe", simulator), ("postgres", database)) if not wanted}
    problems = []
    seen: dict[int, str] = {}
    for name, port in asked.items():
        if name in unused:
            continue
        if port in seen:
            problems.append(f"{_variable(name)} and {_variable(seen[port])} are both {port}.")
        elif not is_free(port, LOOPBACK if name == "postgres" else host):
            problems.append(f"Port {port} is taken: set {_variable(name)} to another one.")
        seen[port] = name
    if problems:
        raise CannotRun("\n".join(problems))
    digest = int(hashlib.sha256(os.fsencode(root)).hexdigest(), 16)
    for name, first in (("worker", FIRST_WORKER), ("postgres", FIRST_POSTGRES)):
        if name not in asked:
            asked[name] = _first_free(first, digest % SPAN, seen)
            seen[asked[name]] = name
    return Ports(**asked)


def listening_host(environment: Mapping[str, str]) -> str:
    """Where everything but PostgreSQL listens: this machine alone, unless HAVEN_HOST says otherwise."""
    return environment.get("HAVEN_HOST") or LOOPBACK


def near(host: str) -> str:
    """The host as a URL names it from this machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return LOOPBACK if host == "0.0.0.0" else "[::1]"  # noqa: S104 - the same
    return f"[{host}]" if ":" in host else host


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _variable(name: str) -> str:
    return f"HAVEN_{name.upper()}_PORT"


def _given(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(_variable(name), "").strip()
    if not text or (name == "worker" and text == "0"):
        return None
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST:
        raise CannotRun(f"{_variable(name)} is {text!r}; it must be a port number from 1 to {HIGHEST}.")
    return int(text)


def _first_free(first: int, offset: int, seen: Mapping[int, str]) -> int:
    for step in range(SPAN):
        port = first + (offset + step) % SPAN
        if port not in seen and is_free(port):
            return port
    raise CannotRun(f"No port from {first} to {first + SPAN} is free.")
