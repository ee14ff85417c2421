"""Start programs as another user, and so that they do not outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from app.core.embedded.account import Account

_SCRIPT = Path(__file__).with_name("launch.py")


def launch_command(
    command: Sequence[str],
    *,
    death_signal: signal.Signals | None = None,
    account: Account | None = None,
    folder: Path = Path("/"),
) -> list[str]:
    """The command line that runs `command` in `folder` as `account` (None: as this user).

    With `death_signal`, the kernel sends it to the program when the *thread* that started it ends (on
    Linux): start such programs from the main thread. The program keeps the process id.
    """
    return [
        sys.executable,
        "-IS",
        str(_SCRIPT),
        str(int(death_signal or 0)),
        str(os.getpid()),
        str(account.uid if account else -1),
        str(account.gid if account else -1),
        str(folder),
        *command,
    ]


def follow_parent(number: signal.Signals) -> None:
    """Ask the kernel to send this process `number` when its own parent dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(number), 0, 0, 0)  # PR_SET_PDEATHSIG


def can_enter(folder: Path, account: Account) -> bool:
    """Whether the account reaches a folder, tried by going there as that account."""
    return _succeeds(launch_command(["/bin/true"], account=account, folder=folder))


def can_run(program: Path, account: Account) -> bool:
    """Whether the account can run a program, tried by asking for its version."""
    return _succeeds(launch_command([str(program), "--version"], account=account))


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0
