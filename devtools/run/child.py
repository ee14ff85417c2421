"""One process of a run: its log, whether it is ready, and starting it again when it dies."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.core.embedded.launching import launch_command
from devtools.run.say import say

LOG_LIMIT = 10_000_000
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.5, 30.0, 10.0

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Backoff:
    """How long to wait before starting something again that has died, in seconds."""

    pause: float = 0.0
    started_at: float = field(default_factory=time.monotonic)

    def next_pause(self) -> float:
        """The pause after a death now: doubled each time, small again after ten steady seconds."""
        steady = time.monotonic() - self.started_at > STEADY
        self.pause = FIRST_PAUSE if steady or not self.pause else min(self.pause * 2, LONGEST_PAUSE)
        return self.pause


class Child:
    """A process, by its command line, environment, log file and the address that says it is ready."""

    def __init__(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        environment: Mapping[str, str],
        folder: Path,
        logs: Path,
        ready_url: str | None = None,
    ) -> None:
        self.name = name
        self.ready_url = ready_url
        self.log = logs / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._environment = environment
        self._folder = folder
        self._log_start = 0
        self._backoff = Backoff()
        self._start_at: float | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives or before it was started."""
        return self.process.poll() if self.process is not None else None

    def start(self) -> None:
        """Start it in a session of its own; it dies with this process."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.process = subprocess.Popen(
                # SIGKILL: whatever was acknowledged is in the database, and nothing may stay behind.
                launch_command(self._command, death_signal=signal.SIGKILL, folder=self._folder),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(self._environment),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self._backoff.started_at = time.monotonic()
        self._start_at = None

    def is_ready(self) -> bool:
        """Whether it answers 200 at its address; a child without an address is ready when it lives."""
        if not self.running:
            return False
        if self.ready_url is None:
            return True
        try:
            with _opener.open(self.ready_url, timeout=1) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def tend(self) -> None:
        """Notice that it died, say so, and start it again after a pause."""
        if self.running:
            return
        now = time.monotonic()
        if self._start_at is None:
            pause = self._backoff.next_pause()
            self._start_at = now + pause
            say(f"{self.name} ended ({self.fate()}); it starts again in {pause:g} s. Its log: {self.log}")
        elif now >= self._start_at:
            self.start()
            say(f"{self.name} was started again")

    def fate(self) -> str:
        """How it ended, in words."""
        status = self.status
        if status is None:
            return "running"
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def last_lines(self, count: int = 20) -> str:
        """The end of what it has logged since it was started."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - 16384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, and SIGKILL to whatever is left of its session."""
        if self.process is None:
            return
        if number is signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


def end(children: list[Child], patience: float) -> None:
    """End children together: SIGTERM, and SIGKILL for those that live after `patience` seconds."""
    for child in children:
        child.send(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in children:
        if child.running:
            say(f"{child.name} did not end in {patience:g} s and is killed")
        child.send(signal.SIGKILL)
    for child in children:
        if child.process is not None:
            child.process.wait(2)
