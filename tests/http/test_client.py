"""The client's network as routes and middleware ask for it."""

import pytest

from app.http.client import network_of_scope, trusted_proxies
from app.settings import ConfigurationRefused, Settings, load

FORWARDED = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.9")]


def scope(peer: str, headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    return {"type": "http", "client": (peer, 4711), "headers": headers}


def test_no_proxy_is_believed_unless_it_is_named() -> None:
    assert network_of_scope(scope("127.0.0.1", FORWARDED), trusted_proxies(Settings())) == "127.0.0.1"


def test_a_demo_believes_this_machine() -> None:
    trusted = trusted_proxies(Settings(demo=True))
    assert network_of_scope(scope("127.0.0.1", FORWARDED), trusted) == "203.0.113.9"
    assert network_of_scope(scope("127.0.0.1", []), trusted) == "127.0.0.1"
    assert network_of_scope(scope("192.0.2.1", FORWARDED), trusted) == "192.0.2.1"


def test_proxies_are_named_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_TRUSTED_PROXIES", "192.0.2.0/24, 2001:db8::1")
    trusted = trusted_proxies(load())
    assert network_of_scope(scope("192.0.2.1", FORWARDED), trusted) == "203.0.113.9"
    assert network_of_scope(scope("2001:db8::1", FORWARDED), trusted) == "203.0.113.9"
    assert network_of_scope(scope("2001:db8::2", FORWARDED), trusted) == "2001:db8::/64"


@pytest.mark.parametrize("value", ["everybody", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HAVEN_TRUSTED_PROXIES", value)
    with pytest.raises(ConfigurationRefused, match="HAVEN_TRUSTED_PROXIES"):
        load()


def test_a_connection_without_an_address_is_nobody() -> None:
    assert network_of_scope({"type": "http", "client": None, "headers": []}, ()) == ""
