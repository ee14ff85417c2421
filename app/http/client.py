"""Who sends a request, as far as the connection and believed proxies tell."""

from functools import lru_cache

from fastapi import Request
from starlette.types import Scope

from app.core.networks import LOOPBACK, Network, find_client, network_of
from app.settings import Settings

_SCOPE_KEY = "haven.network"


def trusted_proxies(settings: Settings) -> tuple[Network, ...]:
    """Whose word is taken; in demo mode also this machine's, so that limits can be tried by hand."""
    return settings.web.trusted_proxies + (LOOPBACK if settings.demo else ())


def client_network(request: Request) -> str:
    """The client's network; empty where it is not known.

    It travels sealed, and is only kept as a keyed hash.
    """
    return network_of_scope(request.scope, trusted_proxies(request.app.state.role.settings))


def network_of_scope(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """The same for pure ASGI: an IPv4 address or the /64 of IPv6, empty where there is none.

    Found out once for a request; a process believes the same proxies all the time.
    """
    known: str | None = scope.get(_SCOPE_KEY)
    if known is None:
        known = scope[_SCOPE_KEY] = _network(scope, trusted)
    return known


def _network(scope: Scope, trusted: tuple[Network, ...]) -> str:
    peer = scope.get("client")
    host = peer[0] if peer else None
    if not trusted:
        return _named(host)
    forwarded_for = _lines(scope, b"x-forwarded-for")
    forwarded = _lines(scope, b"forwarded")
    if not forwarded_for and not forwarded:
        return _named(host)  # whoever asks, be it a proxy itself
    client = find_client(host, forwarded_for, forwarded, trusted)
    return _named(str(client) if client else None)


def _lines(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


@lru_cache(4_096)
def _named(host: str | None) -> str:
    network = network_of(host)
    return "" if network == "unknown" else network
