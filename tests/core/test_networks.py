"""Whom a request comes from; what a client says of itself changes nothing."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.networks import LOOPBACK, Network, find_client, network_of, read_address

OURS: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48"))
proxies = st.one_of(
    st.integers(0, 2**24 - 1).map(lambda n: str(IPv4Address((10 << 24) + n))),
    st.integers(0, 2**80 - 1).map(lambda n: str(IPv6Address(int(IPv6Address("2001:db8:ffff::")) + n))),
)
clients = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda a: not any(a in n for n in OURS) and getattr(a, "ipv4_mapped", None) is None
)
claims = st.lists(st.one_of(st.text(max_size=30), clients.map(str), proxies), max_size=5).map(", ".join)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_networks(host: str | None, network: str) -> None:
    assert network_of(host) == network


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_household_of_ipv6_is_one_network(address: IPv6Address, host: int) -> None:
    other = IPv6Address((int(address) >> 64 << 64) | host)
    if address.ipv4_mapped is None and other.ipv4_mapped is None:
        assert network_of(str(address)) == network_of(str(other))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7:4711 ", "192.0.2.7"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("1.2.3", None),
    ],
)
def test_addresses_as_proxies_write_them(written: str, read: str | None) -> None:
    assert str(read_address(written)) == str(read)


@given(claims, claims, clients)
def test_whoever_comes_past_our_proxies_is_not_believed(
    listed: str, paired: str, peer: IPv4Address | IPv6Address
) -> None:
    assert find_client(str(peer), [listed], [paired], OURS) == peer


@given(claims, clients, st.lists(proxies, min_size=1, max_size=4))
def test_a_made_up_list_lands_in_the_same_bucket(
    claimed: str, client: IPv4Address | IPv6Address, chain: list[str]
) -> None:
    *hops, peer = chain
    honest = ", ".join([str(client), *hops])
    assert find_client(peer, [honest], [], OURS) == client
    assert find_client(peer, [f"{claimed}, {honest}"], [], OURS) == client
    assert find_client(peer, [claimed, honest], [], OURS) == client, "on a line of its own"


@given(claims, clients, proxies)
def test_the_other_header_made_up_never_names_somebody_else(
    claimed: str, client: IPv4Address | IPv6Address, peer: str
) -> None:
    found = find_client(peer, [str(client)], [f"for={claimed}"], OURS)
    assert found in (client, read_address(peer)), "at worst it counts under our own proxy"


@given(clients, st.lists(proxies, min_size=1, max_size=4), st.text("abc", max_size=3))
def test_forwarded_says_the_same(client: IPv4Address | IPv6Address, chain: list[str], name: str) -> None:
    *hops, peer = chain

    def quoted(address: str) -> str:
        return f'For="[{address}]:80";proto=https' if ":" in address else f"by={name};for={address}"

    line = ", ".join(quoted(address) for address in ["203.0.113.99", str(client), *hops])
    assert find_client(peer, [], [line], OURS) == client


def test_what_a_proxy_does_not_know_counts_under_the_proxy() -> None:
    assert str(find_client("10.0.0.1", ["203.0.113.9, unknown"], [], OURS)) == "10.0.0.1"
    assert str(find_client("10.0.0.1", [], ["proto=https"], OURS)) == "10.0.0.1"
    assert str(find_client("10.0.0.1", [], [], OURS)) == "10.0.0.1"
    assert find_client(None, ["203.0.113.9"], [], OURS) is None


@given(st.text(max_size=3000))
def test_nonsense_is_no_error(text: str) -> None:
    find_client("127.0.0.1", [text, text], [text], (*LOOPBACK, IPv4Network("10.0.0.0/8")))
