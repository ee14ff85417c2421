"""Where a person's data could be left behind, and whether it was."""

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from app.core.embedded.binaries import find_binaries
from tests.journeys.running import Running

# What Stripe must be told of the payer: where its own receipt and its questions go.
STRIPES_OWN = frozenset({"customer_email", "email", "receipt_email"})
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Marks:
    """Strings that stand nowhere else in the world."""

    name: str
    address: str
    postcode: str
    comment: str

    def all(self) -> tuple[str, ...]:
        return (self.name, self.address, self.postcode, self.comment)


def forms(mark: str) -> dict[str, bytes]:
    """A mark as it is, and as it would look encoded; all in small letters but base64."""
    raw = mark.encode()
    found = {
        "clear": raw.lower(),
        "hex": raw.hex().encode(),
        "hex of small letters": raw.lower().hex().encode(),
        "percent-encoded": quote(mark).lower().encode(),
        "form-encoded": quote_plus(mark).lower().encode(),
        "quoted-printable": b"".join(b"=%02x" % byte for byte in raw),
        "UTF-16": mark.lower().encode("utf-16-le"),
        "squeezed": mark.replace(" ", "").lower().encode(),
        "backwards": raw[::-1].lower(),
    }
    for shift in range(3):  # inside a longer text, base64 depends on where the mark begins
        body = base64.b64encode(b"\0" * shift + raw)[-(-shift * 4 // 3) :]
        found[f"base64, shifted by {shift}"] = body[1 if shift else 0 : len(raw) // 3 * 4 - 3]
    return found


def traces(marks: Marks, data: bytes) -> list[str]:
    """Which marks stand in some bytes, in which form."""
    small = data.lower()
    return [
        f"{mark} ({form})"
        for mark in marks.all()
        for form, wanted in forms(mark).items()
        if wanted in (data if form.startswith("base64") else small)
    ]


def dump(running: Running) -> bytes:
    """`pg_dump` of the whole database."""
    program = find_binaries(running.data / "postgres" / "data") / "pg_dump"
    done = subprocess.run([program, running.superuser_url], capture_output=True, check=True)
    assert b"COPY public.signatures" in done.stdout
    return done.stdout


def database_files(running: Running) -> Iterator[tuple[str, bytes]]:
    """What lies on the disk: tables with their dead rows, and the log of every change ever made."""
    folder = running.data / "postgres" / "data"
    seen = 0
    for file in sorted([*folder.glob("base/**/*"), *folder.glob("pg_wal/*"), *folder.glob("global/*")]):
        if not file.is_file():
            continue
        with file.open("rb") as opened:
            before = b""
            while chunk := opened.read(_CHUNK):
                yield file.name, before + chunk
                before = chunk[-500:]
                seen += 1
    assert seen > 100


def told_to_stripe(state: dict[str, Any], marks: Marks) -> list[str]:
    """What Stripe knows and need not: everything but the payer's address where it belongs."""
    bare = _without_addresses({"objects": state["objects"], "calls": state["calls"]})
    return traces(marks, repr(bare).encode())


def _without_addresses(value: Any) -> Any:  # JSON
    if isinstance(value, dict):
        return {k: "…" if k in STRIPES_OWN else _without_addresses(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_addresses(each) for each in value]
    if isinstance(value, str):  # bodies as they were sent
        return re.sub(r"(customer_email=)[^&]*", r"\1…", value)
    return value


def log_traces(running: Running, marks: Marks) -> list[str]:
    """What the processes' logs hold of somebody."""
    files = {**running.logs(), "postgres.log": _postgres_log(running)}
    assert files["postgres.log"]
    return [f"{name}: {found}" for name, log in files.items() for found in traces(marks, log.encode())]


def _postgres_log(running: Running) -> str:
    return Path(running.data / "postgres" / "postgres.log").read_text("utf-8", errors="replace")
