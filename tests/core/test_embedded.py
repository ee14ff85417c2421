"""The embedded PostgreSQL, started for real: as root and as an ordinary user, killed, started again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.core.embedded import AlreadyRunning, EmbeddedPostgres, EmbeddedPostgresError, PortTaken, launching
from app.core.embedded.account import Account
from app.core.embedded.binaries import find_binaries
from app.core.embedded.launching import can_run
from app.core.embedded.leftovers import alive, exists
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="haven-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def servers() -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes servers, and stops them after the test."""
    made: list[EmbeddedPostgres] = []

    def make(folder: Path, **options: object) -> EmbeddedPostgres:
        server = EmbeddedPostgres(folder, free_port(), **options)  # type: ignore[arg-type]
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


def up(server: EmbeddedPostgres) -> EmbeddedPostgres:
    server.start()
    server.wait_ready(30)
    server.bootstrap()
    return server


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.rownumber is not None else None
        return row[0] if row else None


def copied_programs(target: Path) -> Path:
    """The wheel's programs in another folder, with the libraries that they look for beside them."""
    installation = find_binaries(target).parent
    package = installation.parent
    shutil.copytree(package.with_name(f"{package.name}.libs"), target / f"{package.name}.libs")
    shutil.copytree(installation, target / package.name / installation.name, symlinks=True)
    return target / package.name / installation.name / "bin"


def needs_root() -> None:
    if not IS_ROOT:
        assert not os.environ.get("CI"), "CI runs the tests as root"
        pytest.skip("only root can start the server as another user")


def debian() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        assert not os.environ.get("CI"), "install Debian's postgresql"
        pytest.skip("Debian's postgresql is not installed")
    return found[-1].parent


def test_logins_are_as_weak_as_they_should_be(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = up(servers(place / "pg"))
    server.bootstrap()

    assert str(ask(server.owner_url, "SHOW server_version")).startswith("18.")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(server.owner_url, f"SHOW {setting}") == "on"
    assert ask(server.owner_url, "SHOW listen_addresses") == "127.0.0.1"
    assert not list(Path("/tmp").glob(f".s.PGSQL.{server.port}*"))
    assert (
        ask(
            server.owner_url,
            "SELECT pg_encoding_to_char(encoding) || datcollate FROM pg_database WHERE datname = 'haven'",
        )
        == "UTF8C"
    )
    assert ask(
        server.owner_url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'haven'"
    ) == ("haven_owner")
    assert (
        ask(
            server.owner_url,
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'haven%' AND NOT rolsuper "
            "AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolbypassrls AND NOT rolreplication",
        )
        == 3
    )
    ask(server.owner_url, "CREATE TABLE things (id int); ")
    for url in (server.public_url, server.internal_url):
        for refused in (
            "CREATE TABLE mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "SELECT * FROM things",
            "SET ROLE haven_owner",
            "CREATE ROLE more",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(url, refused)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            ask(url.removesuffix("/haven") + "/postgres", "SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(f"postgresql://postgres:guess@127.0.0.1:{server.port}/haven", "SELECT 1")
    for file in server.keys.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    assert server.keys.stat().st_mode & 0o777 == 0o700
    assert server.home.data.stat().st_mode & 0o777 == 0o700
    if IS_ROOT:
        assert server.process is not None
        assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0


@pytest.mark.parametrize("which", ["wheel", "debian"])
def test_killed_server_recovers_with_its_data(
    place: Path, servers: Callable[..., EmbeddedPostgres], which: str
) -> None:
    server = up(servers(place / "pg", binaries=debian() if which == "debian" else None))
    ask(server.owner_url, "CREATE TABLE kept AS SELECT 7 AS number")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert (server.home.data / "postmaster.pid").exists()

    up(server)

    assert ask(server.owner_url, "SELECT number FROM kept") == 7
    server.stop()
    assert not (server.home.data / "postmaster.pid").exists()
    up(servers(place / "pg", binaries=server._binaries))


def test_folder_with_spaces_and_a_long_path(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    folder = place / "a folder with 'quotes' and ünïcode" / ("long " * 24).strip() / "pg"
    assert len(str(folder)) > 160
    folder.parent.mkdir(parents=True)
    server = up(servers(folder))

    assert ask(server.public_url, "SELECT current_user") == "haven_public"


def test_folder_that_only_root_may_enter(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    needs_root()
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    programs = copied_programs(closed)
    outside = place / "outside"
    outside.mkdir()
    outside.chmod(0o755)
    said: list[str] = []
    options = {"binaries": programs, "outside": [outside]}

    server = up(servers(closed / "var", say=said.append, **options))

    (home,) = outside.iterdir()
    assert server.home.folder == home
    assert server.home.binaries.is_relative_to(home)
    assert str(home) in said[0]
    assert home.stat().st_uid == 0
    assert home.stat().st_mode & 0o777 == 0o711
    assert [folder.stat().st_mode & 0o777 for folder in (closed, outside)] == [0o700, 0o755]
    ask(server.owner_url, "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    again = up(servers(closed / "var", **options))
    assert ask(again.owner_url, "SELECT number FROM kept") == 7
    assert list(outside.iterdir()) == [home]
    again.stop()
    home.chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="not safe"):
        servers(closed / "var", **options).start()


def test_copied_checkout_does_not_take_the_originals_data(
    place: Path, servers: Callable[..., EmbeddedPostgres]
) -> None:
    needs_root()
    outside = place / "outside"
    outside.mkdir()
    outside.chmod(0o755)
    for name in ("first", "copy"):
        (place / name).mkdir(mode=0o700)
    first = servers(place / "first" / "var", outside=[outside])
    first.start()
    shutil.copytree(place / "first" / "var", place / "copy" / "var")
    copy = servers(place / "copy" / "var", outside=[outside])

    assert copy.home.folder != first.home.folder
    assert len(list(outside.iterdir())) == 2


def test_ordinary_user(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root forks and becomes somebody else; an ordinary user just goes on."""
    programs = copied_programs(place)
    folder = place / "home"
    folder.mkdir(mode=0o700)
    account = Account.of(place)
    if account is None:
        live_as_ordinary_user(folder, programs)
        return
    os.chown(folder, account.uid, account.gid)
    # The child has its modules already, but starts programs by a Python and a script that it must reach.
    monkeypatch.setattr(launching, "_SCRIPT", Path(shutil.copy(launching._SCRIPT, place)))
    reached = [python for python in (sys.executable, "/usr/bin/python3") if can_run(Path(python), account)]
    monkeypatch.setattr(sys, "executable", reached[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child calls no thread's lock
        child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            live_as_ordinary_user(folder, programs)
            status = 0
        except BaseException:  # noqa: BLE001 - the fork ends here, whatever happens
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def live_as_ordinary_user(folder: Path, programs: Path) -> None:
    server = EmbeddedPostgres(folder / "pg", free_port(), binaries=programs)
    try:
        up(server)
        assert server.home.folder == folder / "pg"
        assert server.home.account is None
        assert (folder / "pg").stat().st_mode & 0o777 == 0o700
        assert ask(server.owner_url, "SELECT current_user") == "haven_owner"
    finally:
        server.stop()


def test_second_start_is_refused(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = up(servers(place / "pg"))

    with pytest.raises(AlreadyRunning, match="Another process"):
        servers(place / "pg").start()
    other = EmbeddedPostgres(place / "other", server.port)
    with pytest.raises(PortTaken, match=str(server.port)):
        other.start()
    other.stop()
    assert ask(server.owner_url, "SELECT 1") == 1


def test_stop_does_not_wait_for_clients(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = up(servers(place / "pg"))
    with psycopg.connect(server.owner_url) as busy:
        busy.execute("CREATE TABLE open_transaction (id int)")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5
        busy.close()
    assert not server.running


PARENT = """
import sys, time
from pathlib import Path
from app.core.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), int(sys.argv[2]))
server.start()
server.wait_ready()
print(server.process.pid, flush=True)
time.sleep(60)
"""


def test_server_ends_with_its_killed_parent(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = servers(place / "pg")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(server.folder), str(server.port)], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    up(server)  # at once: it waits for the other's end

    assert not alive(pid)


def test_pid_file_that_names_another_program(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = up(servers(place / "pg"))
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    bystander = subprocess.Popen(["sleep", "60"], user=server.home.data.stat().st_uid if IS_ROOT else None)
    try:
        pid_file = server.home.data / "postmaster.pid"
        rest = pid_file.read_text().partition("\n")[2]
        pid_file.write_text(f"{bystander.pid}\n{rest}")
        up(server)
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()


def test_zombie_that_nobody_collects(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    """As in a container whose first process collects nobody."""
    server = up(servers(place / "pg"))
    zombie = server.process
    assert zombie is not None
    os.kill(zombie.pid, signal.SIGKILL)
    server.process = None
    up(server)

    assert not alive(zombie.pid)
    assert exists(zombie.pid)
    zombie.wait()


def test_half_made_cluster_is_thrown_away(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = servers(place / "pg")
    draft = server.home.folder / "data.draft"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")

    up(server)

    assert not draft.exists()


def test_lost_password_is_explained(place: Path, servers: Callable[..., EmbeddedPostgres]) -> None:
    server = up(servers(place / "pg"))
    server.stop()
    (server.keys / "postgres.password").unlink()

    with pytest.raises(EmbeddedPostgresError, match="clean-data"):
        servers(place / "pg").start()


def test_data_of_an_unknown_version_are_left_alone(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data" / "PG_VERSION").write_text("13\n")

    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 13"):
        find_binaries(place / "data")
