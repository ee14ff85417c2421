"""Free ports for servers that tests start."""

import random
import socket

# Below what Linux gives to outgoing connections (32768 and up), above what `make run` looks through itself.
_RANGE = range(30_000, 32_700)


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on now."""
    for port in random.sample(_RANGE, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
