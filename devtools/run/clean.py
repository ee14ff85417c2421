"""`make clean-data`: throw away the data of this checkout, so that the next run starts over.

It uses the standard library alone, so that it works without `.venv`.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from devtools.run.lock import hold
from devtools.run.say import CannotRun, say

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 10.0


def clean(data: Path) -> None:
    """Remove a data folder, and the folder outside that its database went to.

    Raises:
        CannotRun: Haven runs here.
    """
    if not data.is_dir():
        say(f"There are no data in {data}.")
        return
    with hold(data):
        outside = _outside(data / "postgres")
        for home in filter(None, (data / "postgres", outside)):
            _wait_for_server(home)
        if outside is not None:
            shutil.rmtree(outside)
            say(f"Removed {outside}")
        for entry in data.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != "run.lock":
                entry.unlink()
    say(f"Removed everything in {data}")


def _outside(folder: Path) -> Path | None:
    """The folder outside, when it says itself that it belongs here."""
    pointer = folder / "elsewhere"
    if not pointer.exists():
        return None
    place = Path(pointer.read_text("utf-8").strip())
    owner = place / "checkout"
    if not place.name.startswith("haven-") or not owner.is_file() or owner.stat().st_uid != os.geteuid():
        return None
    return place if owner.read_text("utf-8").strip() == str(folder.resolve()) else None


def _wait_for_server(home: Path) -> None:
    """A server whose run was killed needs a moment to end."""
    pid_file = home / "data" / "postmaster.pid"
    deadline = time.monotonic() + PATIENCE
    while pid_file.exists():
        pid = pid_file.read_text("ascii").partition("\n")[0].strip()
        here = Path(f"/proc/{pid}/cwd")
        if not pid.isdecimal() or not here.exists() or here.resolve() != (home / "data").resolve():
            return
        if time.monotonic() > deadline:
            raise CannotRun(f"PostgreSQL (process {pid}) still runs on these data; stop it first.")
        time.sleep(0.1)


def main() -> int:
    """Clean, or say on standard error why not."""
    try:
        clean((ROOT / (os.environ.get("HAVEN_DATA_DIR") or "var")).resolve())
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
