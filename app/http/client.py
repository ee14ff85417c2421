"""Who sends a request, as far as the connection tells."""

from fastapi import Request


def client_network(request: Request) -> str:
    """The peer's address; empty where there is none. It travels sealed, and is only kept as a keyed hash."""
    return request.client.host if request.client else ""
