"""Waiting for time to pass, a child to die, or somebody to say stop."""

import os
import select
import signal
import sys
from pathlib import Path

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Collects the signals that end a run; `wait` returns early when one comes or a child dies."""

    def __init__(self) -> None:
        self.count = 0
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOPPING:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._make = _Make()

    @property
    def stop(self) -> bool:
        """Whether the run should end."""
        if self.count == 0 and self._make.told_to_stop():
            self.count = 1
        return self.count > 0

    def wait(self, seconds: float) -> None:
        """Wait at most so long."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        if ready:
            os.read(self._reader, 4096)

    def _stop(self, _number: int, _frame: object) -> None:
        self.count += 1


class _Make:
    """The GNU make that waits for this process, watched for a signal that it keeps to itself.

    It passes on SIGTERM alone. On SIGINT and SIGHUP it puts that signal back to its default and waits for
    its child without a word; so a signal that it caught at first and later does not, has come.
    """

    def __init__(self) -> None:
        self.pid = os.getppid()
        self._at_first: int | None = None
        if sys.platform == "linux" and "MAKELEVEL" in os.environ:
            comm = _read_proc(self.pid, "comm")
            if comm is not None and comm.strip() in {"make", "gmake"}:
                self._at_first = self._caught()

    def told_to_stop(self) -> bool:
        """Whether make is on its way out."""
        if not self._at_first:
            return False
        return self._caught() != self._at_first

    def _caught(self) -> int:
        """The mask of the stopping signals that make catches; 0 when there is no make any more."""
        status = _read_proc(self.pid, "status") or ""
        for line in status.splitlines():
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16) & sum(1 << (number - 1) for number in STOPPING)
        return 0


def _read_proc(pid: int, name: str) -> str | None:
    try:
        return Path(f"/proc/{pid}/{name}").read_text("utf-8", errors="replace")
    except OSError:
        return None
