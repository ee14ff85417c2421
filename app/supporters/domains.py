"""Domains of addresses: which stand for many unrelated people, and which for nobody in particular."""

from disposable_email_domains import blocklist

from app.supporters.providers import BY_DOMAIN, WELL_KNOWN_DOMAINS

LARGE_DOMAINS = frozenset({*BY_DOMAIN, *WELL_KNOWN_DOMAINS})
"""Providers where many unrelated people have their mail."""
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "gob", "ltd", "net", "nhs", "org", "plc", "sch"})
_COUNTRY_CODE = 2


def domain_of(address: str) -> str:
    """The domain that an owner registers: hosts below it are one owner's (`a.evil.org`, `b.evil.org`).

    Under country codes with second levels of their own (`ac.uk`, `com.br`), one label more. A guess that
    needs no list: wrong, it counts a domain with its neighbours or its hosts apart.
    """
    labels = address.rpartition("@")[2].lower().strip(".").split(".")
    second_level = len(labels[-1]) == _COUNTRY_CODE and len(labels) > 1 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if second_level else -2 :])


def is_large(domain: str) -> bool:
    """Whether so many have their mail there that its rate says nothing."""
    return domain in LARGE_DOMAINS


def is_disposable(address: str) -> bool:
    """Whether the address is made to be thrown away, by the package `disposable-email-domains`.

    Its list is kept by many at github.com/disposable-email-domains, in the public domain (CC0).
    """
    host = address.rpartition("@")[2].lower()
    return host in blocklist or domain_of(address) in blocklist
