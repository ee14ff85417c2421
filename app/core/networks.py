"""Where a request comes from: the network of an address, and which proxies are believed about it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
UNKNOWN = "unknown"
_PREFIX = 64
_MOST_HOPS = 32


def network_of(host: str | None) -> str:
    """What a host counts under: its IPv4 address, or the /64 of its IPv6 address; "unknown" for no address.

    What is such a network already stays as it is. One household or office has a /64 of IPv6 at least, and may
    use any address in it (RFC 6177).
    """
    address = read_address((host or "").removesuffix(f"/{_PREFIX}"))
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> _PREFIX << _PREFIX)}/{_PREFIX}"
    return str(address)


def read_address(text: str) -> Address | None:
    """An address as connections and proxies write it, with or without port, brackets and quotes.

    IPv4 within IPv6 (`::ffff:192.0.2.7`) is IPv4. None for what is no address (`unknown`, `_hidden`).
    """
    bare = text.strip().strip('"').strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in networks)


def find_client(
    peer: str | None, forwarded_for: Sequence[str], forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """The address of whoever asks, as far as the connection and believed proxies tell.

    Each proxy adds, at the right, whom it was asked by. So the walk goes from the right, past proxies that
    are ours; the first address that is not is the client's. Everything further left is the client's own
    claim and is not looked at.

    Args:
        peer: The other end of the connection.
        forwarded_for: `X-Forwarded-For`, its lines in order.
        forwarded: `Forwarded` (RFC 7239), its lines in order.
        trusted: The networks of our proxies.
    """
    address = read_address(peer or "")
    if address is None or not is_within(address, trusted):
        return address
    by_list = _walk(address, _hops(forwarded_for), trusted)
    by_pairs = _walk(address, _for_pairs(forwarded), trusted)
    if forwarded_for and forwarded and by_list != by_pairs:
        # The proxy writes one of them, and passes on the other as the client made it up: neither is believed.
        return address
    return by_list if forwarded_for else by_pairs


def _walk(start: Address, hops: Sequence[str], trusted: Sequence[Network]) -> Address:
    address = start
    for hop in reversed(hops[-_MOST_HOPS:]):
        nearer = read_address(hop)
        if nearer is None:
            return address
        address = nearer
        if not is_within(address, trusted):
            return address
    return address


def _hops(lines: Sequence[str]) -> list[str]:
    return [hop for line in lines for hop in line.split(",")]


def _for_pairs(lines: Sequence[str]) -> list[str]:
    """The `for` of each element; an element without one is a hop that says nothing, and ends the walk."""
    found = []
    for element in _hops(lines):
        pairs = (pair.partition("=") for pair in element.split(";"))
        found.append(next((value for name, _, value in pairs if name.strip().lower() == "for"), ""))
    return found
