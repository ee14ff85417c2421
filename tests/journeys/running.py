"""The real thing, as `make run` starts it: in a data folder and on ports of its own."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.embedded.launching import launch_command
from devtools.run.ports import is_free

ROOT = Path(__file__).resolve().parents[2]
STAFF_EMAIL = "editor@haven.example"
START_SECONDS, END_SECONDS = 90.0, 10.0
PUBLIC_PROCESSES = 2
"""As on two cores, whatever this machine has."""
_PORTS = ("public", "staff", "worker", "mail", "smtp", "stripe", "postgres")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Running:
    """Where everything is."""

    supervisor: subprocess.Popen[bytes]
    data: Path
    ports: Mapping[str, int]
    seconds_to_ready: float = field(default=0.0)

    def url(self, part: str) -> str:
        return f"http://127.0.0.1:{self.ports[part]}"

    @property
    def public(self) -> str:
        return self.url("public")

    @property
    def staff(self) -> str:
        return self.url("staff")

    @property
    def mail(self) -> str:
        return self.url("mail")

    @property
    def stripe(self) -> str:
        return self.url("stripe")

    @property
    def staff_password(self) -> str:
        return (self.data / "keys" / "demo-staff.password").read_text("ascii").strip()

    @property
    def superuser_url(self) -> str:
        """Past every grant and trigger: to look at everything, and to turn clocks back."""
        password = (self.data / "keys" / "postgres.password").read_text("ascii").strip()
        return f"postgresql://postgres:{password}@127.0.0.1:{self.ports['postgres']}/haven"

    def make_staff(self, email: str, password: str, role: str = "editor") -> None:
        """`haven staff add`, as whoever runs the installation would."""
        secret = (self.data / "keys" / "haven_owner.password").read_text("ascii").strip()
        owner = f"postgresql://haven_owner:{secret}@127.0.0.1:{self.ports['postgres']}/haven"
        command = ["-m", "app.cli.main", "staff", "add", email, "--role", role, "--password-stdin"]
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | {"HAVEN_DATABASE_URL": owner, "HAVEN_DEMO": "1"},
            input=f"{password}\n",
            text=True,
            check=True,
            capture_output=True,
        )

    def command(self, *words: str) -> str:
        """What a `haven` command says that runs on the internal login, as the worker does."""
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *words],
            cwd=ROOT,
            env=self.environment_of("app.cli.main", "worker"),
            text=True,
            check=True,
            capture_output=True,
        )
        return done.stdout

    def environment_of(self, *words: str) -> dict[str, str]:
        """The environment of the one process below the supervisor whose command line holds these words.

        Of several, one above the others: the public role's parent and the children that it forked.
        """
        below = descendants(self.supervisor.pid)
        named = {pid for pid in below if set(words) <= set(_command_of(pid))}
        found = [pid for pid in named if _parent_of(pid) not in named]
        assert len(found) == 1, (words, found)
        pairs = Path(f"/proc/{found[0]}/environ").read_bytes().split(b"\0")
        return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)

    def logs(self) -> dict[str, str]:
        """What every process has logged, PostgreSQL included."""
        files = [*self.data.glob("log/*"), *self.data.glob("postgres*.log"), self.data / "console"]
        return {file.name: file.read_text("utf-8", errors="replace") for file in files if file.is_file()}


def start() -> Running:
    """Start everything and wait for `ready`."""
    data = Path(tempfile.mkdtemp(prefix="haven-journeys-"))
    data.chmod(0o711)  # as root, PostgreSQL's own user has to pass through
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAVEN_")}
    environment |= {f"HAVEN_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    # Every call is held against Stripe's own description; `test_what_remains` reads the verdict.
    environment |= {"HAVEN_DATA_DIR": str(data), "HAVEN_STRIPE_SIM_CONTRACT": "1"}
    environment["HAVEN_PUBLIC_PROCESSES"] = str(PUBLIC_PROCESSES)
    with (data / "console").open("wb") as console:
        supervisor = subprocess.Popen(
            launch_command([sys.executable, "-m", "devtools.run"], death_signal=signal.SIGTERM, folder=ROOT),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    began = time.monotonic()
    running = Running(supervisor, data, ports)
    while "ready" not in running.logs()["console"].splitlines():
        late = time.monotonic() - began > START_SECONDS
        if late or supervisor.poll() is not None:
            said = running.logs()
            end(running)
            raise AssertionError(f"Haven does not start:\n{said}")
        time.sleep(0.1)
    return Running(supervisor, data, ports, time.monotonic() - began)


def end(running: Running) -> None:
    """End everything by SIGTERM, hold it to its word, and remove its data."""
    below = descendants(running.supervisor.pid)
    began = time.monotonic()
    running.supervisor.send_signal(signal.SIGTERM)
    try:
        status = running.supervisor.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        running.supervisor.kill()
        running.supervisor.wait()
        raise AssertionError(f"SIGTERM did not end it in {END_SECONDS:g} s") from None
    took = time.monotonic() - began
    left = [_command_of(pid) for pid in below if _command_of(pid)]
    said = running.logs()["console"]
    shutil.rmtree(running.data, ignore_errors=True)
    assert not left, left
    assert status == 0, (status, said)
    assert took < END_SECONDS
    assert "is killed" not in said, said


@dataclass(frozen=True)
class Second:
    """One more public process and one more worker on the same database."""

    public: str


def second_processes(running: Running, logs: Path) -> Iterator[Second]:
    """Start them beside those that run, and end them."""
    public_port, worker_port = free_ports(2)
    wanted = {
        "public": ("serve", {"HAVEN_PUBLIC_PORT": str(public_port)}, public_port),
        "worker": ("worker", {"HAVEN_WORKER_PORT": str(worker_port)}, worker_port),
    }
    processes = []
    try:
        for name, (word, changes, _) in wanted.items():
            arguments = ["serve", "--role", "public"] if word == "serve" else ["worker"]
            with (logs / f"second-{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        launch_command(
                            [sys.executable, "-m", "app.cli.main", *arguments],
                            death_signal=signal.SIGKILL,
                            folder=ROOT,
                        ),
                        env=running.environment_of(*arguments) | changes,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )
        for _, _, port in wanted.values():
            wait_for(f"http://127.0.0.1:{port}/readyz")
        yield Second(f"http://127.0.0.1:{public_port}")
    finally:
        for process in processes:
            process.terminate()
        statuses = [process.wait(END_SECONDS) for process in processes]
    # uvicorn ends in order, then lets the signal have its way.
    assert set(statuses) <= {0, -signal.SIGTERM}, statuses


@dataclass(frozen=True)
class Own:
    """A public process with settings of its own."""

    public: str
    pid: int
    log: Path


@contextmanager
def own_public(running: Running, name: str, without: Collection[str] = (), **changes: str) -> Iterator[Own]:
    """Start one beside those that run, on the same database; `changes` are settings without `HAVEN_`."""
    [port] = free_ports(1)
    words = ["serve", "--role", "public"]
    given = {f"HAVEN_{key.upper()}": value for key, value in changes.items()}
    own = {"HAVEN_PUBLIC_PORT": str(port), "HAVEN_PUBLIC_PROCESSES": "1"} | given
    environment = {key: value for key, value in running.environment_of(*words).items() if key not in without}
    path = running.data / "log" / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            launch_command(
                [sys.executable, "-m", "app.cli.main", *words], death_signal=signal.SIGKILL, folder=ROOT
            ),
            env=environment | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield Own(f"http://127.0.0.1:{port}", process.pid, path)
    finally:
        process.terminate()
        process.wait(END_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports below those that the kernel hands out to connections, so that none is taken meanwhile."""
    candidates = random.sample(range(10_000, 20_000), 200)
    return [port for port in candidates if is_free(port)][:count]


def descendants(pid: int) -> list[int]:
    """Every process below a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (parent := _parent_of(int(entry.name))) is not None:
            parents.setdefault(parent, []).append(int(entry.name))
    found, to_see = [], [pid]
    while to_see:
        children = parents.get(to_see.pop(), [])
        found += children
        to_see += children
    return found


def _parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8").strip("\0").split("\0")
    except OSError:
        return []


def wait_for(url: str, seconds: float = 30) -> None:
    """Wait until somebody answers there, and well."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with _direct.open(url, timeout=1):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise AssertionError(f"{url} is not ready after {seconds:g} s")
