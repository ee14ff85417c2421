"""Make a database cluster, and the command line that runs it."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from app.core.embedded.binaries import data_version
from app.core.embedded.failures import EmbeddedPostgresError
from app.core.embedded.home import Home
from app.core.embedded.launching import launch_command
from app.core.embedded.secret_files import write_private

SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "120",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u ",
    # Statements and details can hold personal data, which never leave their row (design §3).
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
}


def make_cluster(home: Home, password: str) -> None:
    """Make the data folder where it is missing; a half-made one of a crash is thrown away first."""
    if data_version(home.data) is not None:
        return
    draft = home.folder / "data.draft"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    password_file = home.folder / f"initdb.{secrets.token_hex(4)}"
    write_private(password_file, password + "\n")
    if home.account is not None:
        os.chown(draft, home.account.uid, home.account.gid)
        os.chown(password_file, home.account.uid, home.account.gid)
    try:
        _initdb(home, draft, password_file)
    finally:
        password_file.unlink()
    draft.rename(home.data)


def _initdb(home: Home, folder: Path, password_file: Path) -> None:
    command = [
        str(home.binaries / "initdb"),
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    done = subprocess.run(  # noqa: S603 - fixed arguments
        launch_command(command, death_signal=signal.SIGKILL, account=home.account),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed:\n{done.stdout}")


def server_command(home: Home, port: int) -> list[str]:
    """The command line of the server: all settings are here, so that an older cluster gets them too."""
    command = [str(home.binaries / "postgres"), "-D", str(home.data), "-p", str(port)]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    # SIGINT is PostgreSQL's fast shutdown: clean, and it does not wait for clients.
    return launch_command(command, death_signal=signal.SIGINT, account=home.account)
