"""Start everything in order, wait until it is ready, keep it running, and end it in order."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from app.core.embedded.launching import follow_parent
from devtools.run.child import Child, end
from devtools.run.database import EmbeddedDatabase, GivenDatabase
from devtools.run.environment import STAFF_EMAIL, Environments, choose_stripe, read_setting
from devtools.run.keys import KeyFiles, make_keys
from devtools.run.lock import hold
from devtools.run.plan import Plan, ready_urls, usual_plan
from devtools.run.ports import Ports, choose_ports, listening_host, near
from devtools.run.say import CannotRun, say
from devtools.run.signals import Signals

READY_PATIENCE = 90.0
ONCE_PATIENCE = 900.0
ROLES_PATIENCE, TOOLS_PATIENCE = 4.5, 1.0
ROOT = Path(__file__).resolve().parents[2]


class Stopped(Exception):
    """Somebody said stop before everything was ready."""


class Supervisor:
    """One run of one checkout."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        root: Path = ROOT,
        plan: Callable[..., Plan] = usual_plan,
        ready_patience: float = READY_PATIENCE,
    ) -> None:
        self._outer = environment
        self._root = root
        self._data = (root / (environment.get("HAVEN_DATA_DIR") or "var")).resolve()
        self._make_plan = plan
        self._ready_patience = ready_patience
        self._database: EmbeddedDatabase | GivenDatabase | None = None
        self._roles: list[Child] = []
        self._tools: list[Child] = []
        self._signals = Signals()

    def run(self) -> int:
        """Run until told to stop; returns the exit status.

        Raises:
            CannotRun: Something did not start.
        """
        if "MAKELEVEL" in os.environ:  # a killed make must not leave us behind
            follow_parent(signal.SIGTERM)
        self._make_folders()
        lock = hold(self._data)
        try:
            self._start()
            while not self._signals.stop:
                self._signals.wait(0.3)
                self._tend()
            say("Stopping …")
        except (Stopped, CannotRun):
            if not self._signals.stop:
                raise
            say("Stopped before everything was ready.")
        finally:
            self._end()
            lock.close()
        say("Everything has ended.")
        return 0

    def _start(self) -> None:
        files = make_keys(self._data / "keys")
        stripe = choose_stripe(self._outer, files)
        embedded = not read_setting(self._outer, "database_url")
        ports = choose_ports(self._outer, self._root, simulator=stripe.simulated, database=embedded)
        if embedded:
            say("Starting PostgreSQL …")
            self._database = EmbeddedDatabase(self._data, ports.postgres, lambda: self._signals.stop)
        else:
            self._database = GivenDatabase(self._outer)
        addresses = self._database.start()
        environments = Environments(
            self._outer, ports=ports, files=files, stripe=stripe, addresses=addresses, data=self._data
        )
        environments.keep_for_commands(self._data / "haven.env")
        plan = self._make_plan(simulator=stripe.simulated)
        for name, command in plan.once.items():
            self._run_once(self._child(name, command, environments))
        urls = ready_urls(ports, listening_host(self._outer))
        self._tools = [self._child(name, line, environments, urls) for name, line in plan.tools.items()]
        self._roles = [self._child(name, line, environments, urls) for name, line in plan.roles.items()]
        say(f"Starting {', '.join(child.name for child in self._children)} …")
        for child in self._children:
            child.start()
        self._wait_until_ready()
        self._announce(environments, ports, files, simulated=stripe.simulated)

    @property
    def _children(self) -> list[Child]:
        return [*self._tools, *self._roles]

    def _child(
        self,
        name: str,
        command: tuple[str, ...],
        environments: Environments,
        urls: Mapping[str, str] | None = None,
    ) -> Child:
        return Child(
            name,
            command,
            environment=environments.of(name),
            folder=self._root,
            logs=self._data / "log",
            ready_url=(urls or {}).get(name),
        )

    def _run_once(self, child: Child) -> None:
        say(f"Running haven {child.name} …")
        child.start()
        deadline = time.monotonic() + ONCE_PATIENCE
        while child.running and time.monotonic() < deadline and not self._signals.stop:
            self._signals.wait(0.2)
        if child.running:
            end([child], ROLES_PATIENCE)
            if self._signals.stop:
                raise Stopped
            raise CannotRun(f"haven {child.name} took longer than {ONCE_PATIENCE:g} s; its log: {child.log}")
        if child.status != 0:
            raise CannotRun(f"haven {child.name} failed ({child.fate()}):\n{child.last_lines()}")

    def _wait_until_ready(self) -> None:
        waiting = self._children
        deadline = time.monotonic() + self._ready_patience
        while waiting:
            for child in waiting:
                if not child.running:
                    raise CannotRun(
                        f"{child.name} ended before it was ready ({child.fate()}):\n{child.last_lines()}"
                    )
            waiting = [child for child in waiting if self._signals.stop or not child.is_ready()]
            if self._signals.stop:
                raise Stopped
            if waiting and time.monotonic() > deadline:
                raise CannotRun(
                    "\n".join(
                        f"{child.name} is not ready after {self._ready_patience:g} s:\n{child.last_lines()}"
                        for child in waiting
                    )
                )
            if waiting:
                self._signals.wait(0.1)

    def _announce(
        self, environments: Environments, ports: Ports, files: KeyFiles, *, simulated: bool
    ) -> None:
        say("")
        say(f"  Readers           {environments.public_url}/")
        say(f"  Staff             {environments.staff_url}/")
        say(f"    e-mail          {STAFF_EMAIL}")
        say(f"    password        {files.staff_password.read_text('ascii').strip()}")
        host = near(listening_host(self._outer))
        say(f"  Mail catcher      http://{host}:{ports.mail}/   (SMTP on port {ports.smtp})")
        if simulated:
            say(f"  Stripe simulator  http://{host}:{ports.stripe}/")
        else:
            say("  Payments          Stripe itself, in test mode")
        say(f"  Logs              {self._data / 'log'}")
        say("  Ctrl-C ends all of it; the data stay.")
        say("ready")

    def _tend(self) -> None:
        if self._database is not None:
            self._database.tend()
        for child in self._children:
            child.tend()

    def _end(self) -> None:
        hurried = self._signals.count > 1
        try:
            end(self._roles, 0 if hurried else ROLES_PATIENCE)
            end(self._tools, 0 if hurried else TOOLS_PATIENCE)
        finally:
            if self._database is not None:
                self._database.stop()

    def _make_folders(self) -> None:
        # As root, PostgreSQL's own user has to pass through the data folder; it cannot list it.
        for folder, mode in (
            (self._data, 0o711 if os.geteuid() == 0 else 0o700),
            (self._data / "keys", 0o700),
            (self._data / "log", 0o700),
        ):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(mode)
