"""`haven` beside a running `make run`: it finds that installation's settings by itself."""

import os
from pathlib import Path

ENV_FILE = "haven.env"
ROOT = Path(__file__).resolve().parents[2]
COMMANDS = frozenset({"migrate", "demo", "staff", "selfcheck", "letters", "comments"})
"""What a person runs by hand. Serving processes get what their role may hold, from whoever starts them."""


def use_local_settings(command: str | None) -> None:
    """Read `var/haven.env`, which `make run` keeps, when no database is named in the environment."""
    named = any(name.startswith("HAVEN_") and "DATABASE_URL" in name for name in os.environ)
    file = Path(os.environ.get("HAVEN_DATA_DIR", ROOT / "var")) / ENV_FILE
    if command not in COMMANDS or named or not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and name.startswith("HAVEN_"):
            os.environ.setdefault(name, value)
