"""One run in one checkout."""

import fcntl
import os
from pathlib import Path
from typing import IO

from devtools.run.say import CannotRun


def hold(data: Path) -> IO[str]:
    """Take the lock of a data folder; it is let go when the file is closed or the process dies.

    Raises:
        CannotRun: Another run holds it.
    """
    lock = (data / "run.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise CannotRun(
            f"Haven already runs in this checkout (process {holder}). Stop it with Ctrl-C or "
            f"`kill {holder}`; for a second one beside it, use another checkout and other ports "
            "(HAVEN_*_PORT)."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
