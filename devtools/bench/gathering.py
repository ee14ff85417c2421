"""Gather signatures by the real path: HTTP, letterbox, worker; and confirm them by their links' hashes."""

import time
from collections.abc import Sequence

from devtools.bench.load import Load
from devtools.bench.options import said
from devtools.bench.processes import CannotMeasure
from devtools.bench.signing import drain, look, verify
from devtools.bench.world import World

_ALL = "select sum(signed) from tallies where dimension = 'all'"
_UNSENT = "select count(*) from mails where state in ('queued', 'sending')"
_STEP_SECONDS = 5.0


def sign_until(world: World, load: Load, signatures: int) -> int:
    """Sign until there are at least so many; returns how many there are."""
    url = f"{world.origin}/api/v1/petitions/{world.loaded.petition_slug}/signatures"
    seconds = 1.0
    while (have := world.number(_ALL)) < signatures:
        before = look(world)
        began = time.monotonic()
        result = load.sign(url, seconds)
        verify(before, look(world), result)
        drain(world, patience=600)
        rate = max(1.0, result.acknowledged / seconds)
        missing = signatures - world.number(_ALL)
        seconds = min(_STEP_SECONDS, max(1.0, missing / rate))
        said(f"{have + result.acknowledged:,} signatures ({time.monotonic() - began:.1f} s)")
    return have


def confirm(world: World, hashes: Sequence[bytes], batch: int) -> None:
    """Confirm signatures by their links' hashes, as the confirmer does, in batches."""
    for first in range(0, len(hashes), batch):
        part = sorted(hashes[first : first + batch])
        world.owner.execute("select count(*) from confirm_signatures(%s)", [part])


def wait_for_mail(world: World, patience: float) -> None:
    """Wait until the worker has sent every mail. Raises CannotMeasure."""
    deadline = time.monotonic() + patience
    while left := world.number(_UNSENT):
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{left} mails are not sent after {patience:g} s")
        time.sleep(0.2)
