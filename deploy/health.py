# noqa: INP001 - a script of the image, no package
"""Whether this container's role answers `/healthz`: the image's health check, by the standard library.

Which role it is stands in the command line of process 1; each has a port of its own.
"""

import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE_SECONDS = 4


def port_of(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The port on which a role that was started like this says that it lives."""
    if "worker" in command:
        return environment["HAVEN_WORKER_PORT"]
    if any(word in ("staff", "--role=staff") for word in command):
        return environment["HAVEN_STAFF_PORT"]
    return environment["HAVEN_PUBLIC_PORT"]


def main() -> int:
    """0 when it answers well, else 1."""
    command = Path("/proc/1/cmdline").read_bytes().decode().split("\0")
    url = f"http://127.0.0.1:{port_of(command, os.environ)}/healthz"
    try:
        urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS).close()
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
