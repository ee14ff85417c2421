"""Make `.venv` and install one of the hashed locks into it; does nothing when nothing has changed.

`make` runs this as `python devtools/install.py local`, with the standard library alone: first pip takes
uv from its own hashed lock, then uv installs the rest, and pip does it where uv cannot.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = "requirements-bootstrap.lock"
LOCKS = {
    "bootstrap": (),
    "local": ("requirements-local.lock",),
    "dev": ("requirements-dev.lock", "requirements-dev-nodeps.lock"),
}
OLDEST = (3, 11)
HAVEN = """#!/bin/sh
# Haven's command line, from any folder.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$root/.venv/bin/python" -m app.cli.main "$@"
"""


def main() -> int:
    """Install the lock that is asked for; the exit status says whether it worked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=sorted(LOCKS))
    which: str = parser.parse_args().which
    if sys.version_info < OLDEST:
        return complain(f"Python {sys.version.split()[0]} is too old.")
    venv = ROOT / ".venv"
    python = venv / "bin" / "python"
    if not works(python):
        print("Making .venv …", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=False)
        if made.returncode != 0:
            return complain(
                "This Python cannot make a virtual environment (Debian: apt install python3-venv)."
            )
    stamp = venv / f"haven-{which}.stamp"
    wanted = fingerprint(which, python)
    if stamp.exists() and stamp.read_text("ascii") == wanted:
        return 0
    began = time.monotonic()
    print(f"Installing {' and '.join(LOCKS[which] or [BOOTSTRAP])} …", flush=True)
    if not install(which, python):
        return 1
    haven = venv / "bin" / "haven"
    haven.write_text(HAVEN, "utf-8")
    haven.chmod(0o755)
    stamp.write_text(wanted, "ascii")
    print(f"Installed in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def install(which: str, python: Path) -> bool:
    """Install uv, then each lock by uv, or by pip where uv fails."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    uv = [str(python), "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--python", str(python)]
    with_uv = run([*pip, "-r", BOOTSTRAP])
    for lock in LOCKS[which]:
        extra = ["--no-deps"] if lock.endswith("nodeps.lock") else []
        if with_uv and run([*uv, *extra, "-r", lock]):
            continue
        print(f"uv did not install {lock}; pip does it …", flush=True)
        if not run([*pip, *extra, "-r", lock]):
            return False
    return with_uv or bool(LOCKS[which])


def run(command: list[str]) -> bool:
    """Whether a command in the checkout succeeded."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode == 0


def works(python: Path) -> bool:
    """Whether there is a virtual environment with pip in it that still runs."""
    if not python.exists():
        return False
    asked = subprocess.run([str(python), "-c", "import pip"], check=False, capture_output=True)
    return asked.returncode == 0


def fingerprint(which: str, python: Path) -> str:
    """What was installed, by what, from what."""
    digest = hashlib.sha256(os.fsencode(python.resolve()))
    for lock in (BOOTSTRAP, *LOCKS[which]):
        digest.update((ROOT / lock).read_bytes())
    return digest.hexdigest()


def complain(text: str) -> int:
    """Say what to do about Python."""
    sys.stderr.write(
        f"{text}\nHaven needs Python 3.11 or newer; name one like this: make run PYTHON=python3.13\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
