"""Several processes that do the same work, and the small parent that keeps them: it does nothing else.

The children are forked, so that one that died is replaced within milliseconds and what was imported lies in
memory once. The kernel kills them when the parent dies (Linux), so that none is left with a port it holds.
"""

import gc
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from app.core.embedded.launching import follow_parent

log = structlog.get_logger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
STEADY_SECONDS, STEADY_PAUSES = 1.0, 10
"""Who lived for a second, and ten times as long as it was waited for, is in no circle of starts and ends."""
STOP_SECONDS = 12.0
"""Longer than a child takes by itself; whoever waits for the parent is usually less patient."""
STARTED = 0
"""What a child writes into the pipe once it serves; every other byte is a signal's number."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)

Work = Callable[[Callable[[], None]], int]
"""Called in the child with what it calls once it serves; returns its exit status."""


@dataclass
class _Place:
    """One of the processes, now or soon to be started again; times are of `time.monotonic`."""

    number: int
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = 0.0

    def put_off(self) -> None:
        """Wait before the next start: twice as long each time, shortly again after a steady life."""
        now = time.monotonic()
        steady = now - self.started_at > max(STEADY_SECONDS, STEADY_PAUSES * self.pause)
        self.pause = FIRST_PAUSE if steady or not self.pause else min(self.pause * 2, LONGEST_PAUSE)
        self.pid, self.start_at = 0, now + self.pause


class Siblings:
    """Starts `count` processes, replaces those that die, and ends them when it is told to end.

    Args:
        count: How many.
        work: What each of them does.
        refusal: The exit status of a child that will not start as it is set up. As long as none has ever
            served, it ends all of them.
    """

    def __init__(self, count: int, work: Work, *, refusal: int) -> None:
        self._work = work
        self._refusal = refusal
        self._places = [_Place(number) for number in range(count)]
        self._has_served = False
        self._refused = False
        self._stopping_since: float | None = None
        self._reader, self._writer = os.pipe()

    def run(self) -> int:
        """Run until told to end; returns the exit status."""
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        for number in (*_STOPPING, signal.SIGCHLD):
            signal.signal(number, lambda _number, _frame: None)  # the pipe tells
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()  # the children's collectors leave alone, and unwritten, what they share
        while self._stopping_since is None or any(place.pid for place in self._places):
            self._start_due()
            self._listen()
            self._bury()
            self._hurry()
        return self._refusal if self._refused else 0

    def _start_due(self) -> None:
        for place in self._places:
            if self._stopping_since is None and not place.pid and time.monotonic() >= place.start_at:
                self._start(place)

    def _start(self, place: _Place) -> None:
        parent = os.getpid()
        everything = signal.valid_signals()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, everything)
        place.started_at = time.monotonic()
        place.pid = os.fork()
        if place.pid == 0:
            self._be_child(parent, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        log.info("process:started", number=place.number, pid=place.pid)

    def _be_child(self, parent: int, mask: set[signal.Signals] | set[int]) -> None:
        """Do the work and end; nothing of the parent's stack may go on in here."""
        status = 1
        try:
            follow_parent(signal.SIGKILL)
            if os.getppid() != parent:  # it died before the wish was heard
                return
            signal.set_wakeup_fd(-1)
            for number in (*_STOPPING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            status = self._work(self._say_started)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - there is nobody above to see it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _say_started(self) -> None:
        os.write(self._writer, bytes([STARTED]))

    def _listen(self) -> None:
        """Wait for a signal, a child's end, or the time to start one again."""
        select.select([self._reader], [], [], self._patience())
        try:
            heard = os.read(self._reader, 4096)
        except BlockingIOError:
            return
        self._has_served = self._has_served or STARTED in heard
        if any(number in heard for number in _STOPPING):
            self._stop()

    def _patience(self) -> float:
        if self._stopping_since is not None:
            return 0.5
        due = [place.start_at for place in self._places if not place.pid]
        return max(0.0, min(due, default=time.monotonic() + 60) - time.monotonic())

    def _bury(self) -> None:
        for place in self._places:
            if not place.pid:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            place.put_off()
            if self._stopping_since is not None:
                continue
            if code == self._refusal and not self._has_served:
                self._refused = True
                self._stop()
                continue
            log.error("process:ended", number=place.number, pid=pid, status=code, again_in=place.pause)

    def _stop(self) -> None:
        # SIGTERM, whatever we were sent: a terminal's SIGINT has reached them already, and twice is in anger.
        self._stopping_since = self._stopping_since or time.monotonic()
        self._send(signal.SIGTERM)

    def _hurry(self) -> None:
        if self._stopping_since is not None and time.monotonic() - self._stopping_since > STOP_SECONDS:
            self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)
