"""What a killed server leaves behind: a process, or a `postmaster.pid` that names none of ours."""

import os
import signal
import sys
import time
from pathlib import Path

from app.core.embedded.failures import EmbeddedPostgresError

STEPS = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0))


def end_leftover(data: Path) -> None:
    """End a server without a parent that still runs on `data`, and remove a misleading pid file.

    Call it only with the folder's lock held: then no living process is the parent of such a server.
    """
    pid = server_pid(data)
    if pid is None:
        return
    if not runs_on(pid, data):
        # The number belongs to another program now; PostgreSQL would take it for a server.
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    for number, patience in STEPS:
        os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not alive(pid):
                return
            time.sleep(0.02)
    raise EmbeddedPostgresError(f"The server {pid} of an earlier run does not end; kill it, then try again.")


def server_pid(data: Path) -> int | None:
    """The living process that `postmaster.pid` names, whatever it is."""
    try:
        pid = int((data / "postmaster.pid").read_text("ascii").splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid if pid > 0 and alive(pid) else None


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if sys.platform != "linux":
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def runs_on(pid: int, data: Path) -> bool:
    """Whether the process works in the data folder, as PostgreSQL's server does."""
    if sys.platform != "linux":
        return True
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        return False
