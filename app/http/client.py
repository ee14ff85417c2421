"""Who sends a request, as far as the connection and believed proxies tell."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from app.core.networks import LOOPBACK, Network, find_client, network_of
from app.settings import Settings


def trusted_proxies(settings: Settings) -> tuple[Network, ...]:
    """Whose word is taken; in demo mode also this machine's, so that limits can be tried by hand."""
    return settings.web.trusted_proxies + (LOOPBACK if settings.demo else ())


def client_network(request: Request) -> str:
    """The client's network; empty where it is not known.

    It travels sealed, and is only kept as a keyed hash.
    """
    return network_of_scope(request.scope, trusted_proxies(request.app.state.role.settings))


def network_of_scope(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """The same for pure ASGI: an IPv4 address or the /64 of IPv6, empty where there is none."""
    peer = scope.get("client")
    host = peer[0] if peer else None
    if not trusted:
        return _named(host)
    headers = Headers(scope=scope)
    client = find_client(host, headers.getlist("x-forwarded-for"), headers.getlist("forwarded"), trusted)
    return _named(str(client) if client else None)


def _named(host: str | None) -> str:
    network = network_of(host)
    return "" if network == "unknown" else network
