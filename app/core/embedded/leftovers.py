"""What a killed server leaves behind: a process, or a `postmaster.pid` that names none of ours."""

import os
import signal
import sys
import time
from collections.abc import Callable
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
    if alive(pid) and runs_on(pid, data):
        _end(pid)
    if exists(pid):
        # A zombie that nobody collects, or another program that has the number now: PostgreSQL would take
        # either for a server. Its children notice its death within moments; then nobody uses the data.
        _wait_until_unused(data)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _end(pid: int) -> None:
    for number, patience in STEPS:
        os.kill(pid, number)
        if _wait_for(lambda: not alive(pid), patience):
            return
    raise EmbeddedPostgresError(f"The server {pid} of an earlier run does not end; kill it, then try again.")


def _wait_until_unused(data: Path) -> None:
    def unused() -> bool:
        processes = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        return not any(runs_on(pid, data) for pid in processes)

    if sys.platform == "linux" and not _wait_for(unused, 5.0):
        raise EmbeddedPostgresError(f"Processes of a killed server still work in {data}; end them first.")


def _wait_for(happened: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def server_pid(data: Path) -> int | None:
    """The process that `postmaster.pid` names, whatever it is, if there is one."""
    try:
        pid = int((data / "postmaster.pid").read_text("ascii").splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid if pid > 0 and exists(pid) else None


def exists(pid: int) -> bool:
    """Whether there is such a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    if not exists(pid):
        return False
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
