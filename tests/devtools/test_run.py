"""`make run`'s supervisor, with a real PostgreSQL and stand-ins for Haven's own processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.core.embedded.leftovers import alive
from app.crypto.keys import parse_key, public_of
from devtools.run.clean import clean
from devtools.run.say import CannotRun
from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
STUB = Path(__file__).with_name("run_stub.py")
NAMES = ("public", "staff", "worker", "mail", "stripe")
SECRET_WORDS = ("KEY", "SECRET", "DATABASE_URL", "PASSWORD")


class Run:
    """One start of the supervisor in a checkout of its own."""

    def __init__(self, root: Path, environment: dict[str, str], command: list[str] | None = None) -> None:
        self.root = root
        self.data = root / "var"
        self.output: list[str] = []
        self.process = subprocess.Popen(
            command or [sys.executable, str(STUB), str(root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=root,
        )

    def wait_ready(self) -> "Run":
        self.wait_line("ready")
        return self

    def wait_line(self, start: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith(start):
                return
        raise AssertionError("\n".join(self.output))

    def wait_end(self) -> str:
        assert self.process.stdout is not None
        self.output += self.process.stdout.read().splitlines()
        self.process.wait(15)
        return "\n".join(self.output)

    def note(self, name: str) -> tuple[int, dict[str, str]]:
        noted = json.loads((self.data / f"{name}.json").read_text())
        return noted["pid"], noted["environment"]

    def pids(self) -> list[int]:
        return [self.note(name)[0] for name in NAMES] + [self.postmaster()]

    def postmaster(self) -> int:
        return int((self.data / "postgres/data/postmaster.pid").read_text().splitlines()[0])

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        began = time.monotonic()
        self.process.send_signal(number)
        self.wait_end()
        return time.monotonic() - began


@pytest.fixture
def checkout() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="haven test "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def environment() -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("HAVEN_", "MAKE"))}
    ports = {f"HAVEN_{name}_PORT": str(free_port()) for name in ("PUBLIC", "STAFF", "MAIL", "SMTP", "STRIPE")}
    return outer | ports | {"PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def start(checkout: Path, environment: dict[str, str]) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []
    # Under nohup it is ignored, and what is started there would ignore it as well.
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def begin(command: list[str] | None = None, **more: str) -> Run:
        runs.append(Run(checkout, environment | more, command))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.wait(15)
        if run.process.stdout is not None:
            run.process.stdout.close()
    signal.signal(signal.SIGHUP, hangup)


def wait_for(happened: Callable[[], bool], patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def secrets_in(environment: dict[str, str]) -> set[str]:
    return {
        name.removeprefix("HAVEN_").removesuffix("_FILE")
        for name in environment
        if name.startswith("HAVEN_") and any(word in name for word in SECRET_WORDS)
    }


def test_everything_runs_holds_only_its_own_secrets_and_ends(start: Callable[..., Run]) -> None:
    run = start(HAVEN_OWN_SETTING="kept", HAVEN_SMTP_PASSWORD="dropped", PGPASSWORD="dropped").wait_ready()

    expected = {
        "public": {
            "SEALING_KEY",
            "FORM_KEY",
            "PUBLIC_DATABASE_URL",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRET",
        },
        "staff": {"SEALING_KEY", "OPENING_KEY", "HASH_KEY", "INTERNAL_DATABASE_URL"},
        "worker": {"SEALING_KEY", "OPENING_KEY", "HASH_KEY", "INTERNAL_DATABASE_URL", "STRIPE_SECRET_KEY"},
        "migrate": {"DATABASE_URL", "PUBLIC_DATABASE_URL", "INTERNAL_DATABASE_URL", "SEALING_KEY"},
        "demo": {
            "DATABASE_URL",
            "INTERNAL_DATABASE_URL",
            "SEALING_KEY",
            "OPENING_KEY",
            "HASH_KEY",
            "DEMO_STAFF_PASSWORD",
        },
        "mail": set(),
        "stripe": {"STRIPE_WEBHOOK_SECRET"},
    }
    for name, secrets in expected.items():
        environment = run.note(name)[1]
        assert secrets_in(environment) == secrets, name
        assert environment["HAVEN_OWN_SETTING"] == "kept"
        assert environment["HAVEN_DEMO"] == "1"
        assert "PGPASSWORD" not in environment
    owner_url = run.note("migrate")[1]["HAVEN_DATABASE_URL"]
    for name in NAMES:
        assert owner_url not in run.note(name)[1].values()
        assert "haven_owner" not in Path(f"/proc/{run.note(name)[0]}/environ").read_text()
    password = (run.data / "keys/demo-staff.password").read_text().strip()
    assert any(password in line for line in run.output)
    assert any("editor@haven.example" in line for line in run.output)
    pids = run.pids()
    assert run.end(signal.SIGINT) < 10
    assert run.process.returncode == 0
    assert not any(alive(pid) for pid in pids)


def test_keys_are_private_and_stay(start: Callable[..., Run]) -> None:
    run = start().wait_ready()
    run.end()
    keys = run.data / "keys"
    before = {file.name: file.read_text() for file in keys.iterdir()}
    assert keys.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in keys.iterdir()} == {0o600}
    opening = parse_key(before["opening.key"], "opening")
    assert public_of(opening) == parse_key(before["sealing.key"], "sealing")
    assert before["stripe-webhook.secret"].startswith("whsec_")

    again = start().wait_ready()

    assert {file.name: file.read_text() for file in keys.iterdir()} == before
    again.end()
    (keys / "opening.key").unlink()
    assert "put it back" in start().wait_end()


def test_second_run_in_the_same_checkout_says_so(start: Callable[..., Run]) -> None:
    run = start().wait_ready()
    second = start()

    assert f"already runs in this checkout (process {run.process.pid})" in second.wait_end()
    assert second.process.returncode == 1
    with pytest.raises(CannotRun, match="already runs"):
        clean(run.data)
    assert alive(run.postmaster())


def test_killed_role_and_killed_database_come_back(start: Callable[..., Run]) -> None:
    run = start().wait_ready()
    _, environment = run.note("staff")
    worker, postmaster = run.note("worker")[0], run.postmaster()

    os.kill(worker, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)

    wait_for(lambda: run.note("worker")[0] != worker)
    wait_for(lambda: run.postmaster() != postmaster and connects(environment["HAVEN_INTERNAL_DATABASE_URL"]))
    assert run.end() < 10
    assert "worker ended (signal 9)" in "\n".join(run.output)
    assert "PostgreSQL was started again" in "\n".join(run.output)


def connects(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_killed_supervisor_leaves_nothing_and_the_next_run_recovers(start: Callable[..., Run]) -> None:
    run = start().wait_ready()
    pids = run.pids()
    for pid in (run.process.pid, run.postmaster()):
        os.kill(pid, signal.SIGKILL)

    again = start().wait_ready()

    assert not any(alive(pid) for pid in pids)
    assert again.end() < 10


def test_child_that_will_not_end_is_killed_in_time(start: Callable[..., Run]) -> None:
    run = start(HAVEN_STUB_STUBBORN="public").wait_ready()
    pids = run.pids()

    assert run.end() < 10
    assert "public did not end" in "\n".join(run.output)
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("name", ["migrate", "worker"])
def test_failure_is_shown_with_the_childs_last_lines(start: Callable[..., Run], name: str) -> None:
    run = start(HAVEN_STUB_FAILS=name)

    assert f"{name}: the reason why it failed" in run.wait_end()
    assert run.process.returncode == 1
    assert "ready" not in run.output


def test_taken_port_is_named(start: Callable[..., Run], environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["HAVEN_STAFF_PORT"])))
        taken.listen()
        run = start()

        assert "set HAVEN_STAFF_PORT to another one" in run.wait_end()
        assert run.process.returncode == 1


def test_another_postgresql(start: Callable[..., Run]) -> None:
    own = start().wait_ready()
    owner_url = own.note("migrate")[1]["HAVEN_DATABASE_URL"]
    public_url = own.note("public")[1]["HAVEN_PUBLIC_DATABASE_URL"]
    other = own.root / "other"
    other.mkdir()
    ports = {f"HAVEN_{name}_PORT": str(free_port()) for name in ("PUBLIC", "STAFF", "MAIL", "SMTP", "STRIPE")}

    run = start(
        [sys.executable, str(STUB), str(other)],
        HAVEN_DATABASE_URL=owner_url,
        HAVEN_PUBLIC_DATABASE_URL=public_url,
        **ports,
    )

    assert "may not make the serving logins" in run.wait_end()
    internal_url = own.note("staff")[1]["HAVEN_INTERNAL_DATABASE_URL"]
    run = start(
        [sys.executable, str(STUB), str(other)],
        HAVEN_DATABASE_URL=owner_url,
        HAVEN_PUBLIC_DATABASE_URL=public_url,
        HAVEN_INTERNAL_DATABASE_URL=internal_url,
        **ports,
    ).wait_ready()
    assert not (other / "var/postgres").exists()
    assert run.end() < 10
    assert alive(own.postmaster())


def test_stripe_itself_needs_its_webhook_secret(start: Callable[..., Run]) -> None:
    assert "HAVEN_STRIPE_WEBHOOK_SECRET" in start(HAVEN_STRIPE_SECRET_KEY="sk_test_mine").wait_end()
    assert "no live money" in start(HAVEN_STRIPE_SECRET_KEY="sk_live_mine").wait_end()
    run = start(HAVEN_STRIPE_SECRET_KEY="sk_test_mine", HAVEN_STRIPE_WEBHOOK_SECRET="whsec_mine").wait_ready()
    assert not (run.data / "stripe.json").exists()
    assert run.note("worker")[1]["HAVEN_STRIPE_SECRET_KEY"] == "sk_test_mine"
    assert "HAVEN_STRIPE_API_BASE" not in run.note("worker")[1]


def test_cleaning_starts_over(start: Callable[..., Run]) -> None:
    run = start().wait_ready()
    run.end()

    clean(run.data)

    assert [file.name for file in run.data.iterdir()] == ["run.lock"]
    assert start().wait_ready().end() < 10


def test_cleaning_takes_the_folder_outside_too(checkout: Path) -> None:
    outside = checkout / "haven-outside"
    strangers = checkout / "strangers"
    for home, owner in ((outside, checkout / "var/postgres"), (strangers, checkout / "elsewhere")):
        home.mkdir()
        (home / "checkout").write_text(f"{owner}\n")
    folder = checkout / "var/postgres"
    folder.mkdir(parents=True)
    (folder / "elsewhere").write_text(f"{outside}\n")

    clean(checkout / "var")

    assert not outside.exists()
    folder.mkdir()
    (folder / "elsewhere").write_text(f"{strangers}\n")
    clean(checkout / "var")
    assert strangers.exists()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
def test_signal_to_make_alone_ends_everything(
    start: Callable[..., Run], checkout: Path, number: signal.Signals
) -> None:
    recipe = f'run:\n\t@true && exec "{sys.executable}" "{STUB}" "{checkout}"\n'
    (checkout / "Makefile").write_text(recipe)
    run = start(["make", "run"]).wait_ready()
    pids = run.pids()

    assert run.end(number) < 10

    wait_for(lambda: not any(alive(pid) for pid in pids))
