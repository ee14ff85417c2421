"""Lines for the person at the terminal."""

import contextlib


def say(text: str) -> None:
    """Print a line now; a terminal that has gone away is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


class CannotRun(RuntimeError):
    """`make run` cannot go on; the message says what to do."""
