"""`python -m devtools.bench.serving APP PORT`: one of several processes that share a port.

The kernel spreads connections over all that bind it with SO_REUSEPORT.
"""

import socket
import sys

import uvicorn

from app.http.connections import server_options
from devtools.run.ports import LOOPBACK


def main(app: str, port: int) -> None:
    """Serve an ASGI app's factory with the options that Haven is served with."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((LOOPBACK, port))
    options = server_options(LOOPBACK, port)
    uvicorn.Server(uvicorn.Config(app, factory=True, **options)).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
