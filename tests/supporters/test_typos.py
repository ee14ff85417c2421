import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.supporters.providers import BY_DOMAIN, WELL_KNOWN_DOMAINS
from app.supporters.typos import slips_between, suggest_address, suggest_domain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("GMIAL.COM", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmai.cmo", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmal.co.uk", "hotmail.co.uk"),
        ("yaho.com", "yahoo.com"),
        ("yahoo.co.ku", "yahoo.co.uk"),
        ("outlok.com", "outlook.com"),
        ("iclod.com", "icloud.com"),
        ("btintrenet.com", "btinternet.com"),
        ("btintrent.com", "btinternet.com"),
        ("protonmial.com", "protonmail.com"),
    ],
)
def test_the_likely_domain_is_suggested(typed: str, meant: str) -> None:
    assert suggest_domain(typed) == meant


@pytest.mark.parametrize("domain", sorted({*WELL_KNOWN_DOMAINS, *BY_DOMAIN}))
def test_a_real_provider_is_never_doubted(domain: str) -> None:
    assert suggest_domain(domain) is None


@pytest.mark.parametrize(
    "domain",
    [
        *(
            "mail.example",
            "example.org",
            "line.com",
            "love.com",
            "ukr.com",
            "yahoo.gr",
            "hotmail.ca",
            "yahoo.ie",
        ),
        *(
            "hotmail.co.nz",
            "yahoo.com.ar",
            "gmail",
            "",
            ".",
            "gmail.",
            "a" * 10_000 + ".com",
            "guardian.co.uk",
        ),
    ],
)
def test_other_domains_are_left_alone(domain: str) -> None:
    assert suggest_domain(domain) is None


def test_the_whole_address_is_suggested() -> None:
    assert suggest_address("Anna.K+x@gmial.com") == "Anna.K+x@gmail.com"
    assert suggest_address("anna@gmail.com") is None
    assert suggest_address("gmial.com") is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_slips_are_a_distance(one: str, other: str) -> None:
    assert slips_between(one, other) == slips_between(other, one)
    assert (slips_between(one, other) == 0) == (one == other)
    assert slips_between(one, other) <= max(len(one), len(other))


def test_neighbours_swapped_are_one_slip() -> None:
    assert slips_between("gmial", "gmail") == 1
    assert slips_between("", "abc") == 3
