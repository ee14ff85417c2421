import string
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.supporters.identity import (
    FoldedEmail,
    InvalidEmail,
    InvalidPostcode,
    _fold_any,
    _fold_plain,
    fold_email,
    fold_name,
    fold_place,
    normalise_postcode,
)
from app.supporters.providers import BY_DOMAIN, PROVIDERS, WELL_KNOWN_DOMAINS

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)
local_parts = st.lists(
    st.text(string.ascii_letters + string.digits + "+-_", min_size=1, max_size=8), min_size=1, max_size=4
).map(".".join)
unknown_domains = st.sampled_from(["mail.example", "example.org", "charity.co.uk", "yahoo.com", "ukr.net"])
known_domains = st.sampled_from(sorted(BY_DOMAIN))
names = st.text(
    st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Mc", "Zs", "Pd", "Po"], exclude_characters="\n"),
    max_size=30,
)


def folded(address: str) -> str:
    return fold_email(address).folded


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("Anna.Koval+haven@GMail.com", "annakoval@gmail.com"),
        ("annakoval@googlemail.com", "annakoval@gmail.com"),
        ("a.n.n.a+x+y@gmail.com", "anna@gmail.com"),
        ("anna.k+x@outlook.com", "anna.k@outlook.com"),
        ("anna.k+x@hotmail.co.uk", "anna.k@hotmail.co.uk"),
        ("anna+x@me.com", "anna@icloud.com"),
        ("Anna@mac.com", "anna@icloud.com"),
        ("an-na_k.o+x@protonmail.com", "annako@proton.me"),
        ("anna@pm.me", "anna@proton.me"),
        ("anna+x@fastmail.com", "anna@fastmail.com"),
        ("anna.+x@fastmail.com", "anna@fastmail.com"),
        ("haven@anna.fastmail.fm", "anna@fastmail.fm"),
        ("anna+x@ya.ru", "anna@yandex.ru"),
        ("ANNA@Mail.Example", "anna@mail.example"),
        ("ольга@ПОШТА.УКР", "ольга@xn--80a1acn3a.xn--j1amh"),
        ("a@xn--80a1acn3a.xn--j1amh", "a@xn--80a1acn3a.xn--j1amh"),
        ("ＡＮＮＡ@mail.example", "anna@mail.example"),
        (" anna@mail.example\u200b ", "anna@mail.example"),
    ],
)
def test_other_spellings_of_one_mailbox_fold_together(address: str, same: str) -> None:
    assert folded(address) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna.k@mail.example", "annak@mail.example"),
        ("anna+x@mail.example", "anna@mail.example"),
        ("anna.k@outlook.com", "annak@outlook.com"),
        ("anna@outlook.com", "anna@hotmail.com"),
        ("anna-a@yahoo.com", "anna-b@yahoo.com"),
        ("anna.k@yandex.ru", "anna-k@yandex.ru"),
        ("anna@fastmail.com", "anna@fastmail.fm"),
        ("x@anna.gmail.com", "anna@gmail.com"),
        ("x@a.anna.fastmail.com", "anna@fastmail.com"),
        ("+x@gmail.com", "+y@gmail.com"),
        ("anna@straße.de", "anna@strasse.de"),
    ],
)
def test_two_mailboxes_stay_two(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_mail_goes_to_the_address_as_typed() -> None:
    typed = fold_email(" Anna.Koval+haven@GMAIL.com ")
    assert typed.deliver_to == typed.envelope == "Anna.Koval+haven@gmail.com"
    abroad = fold_email("anna@пошта.укр")
    assert (abroad.deliver_to, abroad.envelope) == ("anna@пошта.укр", "anna@xn--80a1acn3a.xn--j1amh")
    assert fold_email("ольга@пошта.укр").envelope == "ольга@пошта.укр"


def test_demo_addresses_are_taken_and_dead_ends_are_not() -> None:
    for domain in ("mail.example", "example.com", "example.org", "example.net"):
        assert folded(f"a@{domain}") == f"a@{domain}"
    for domain in ("mail.test", "mail.invalid", "printer.local", "localhost", "mail.localhost"):
        with pytest.raises(InvalidEmail):
            fold_email(f"a@{domain}")


@pytest.mark.parametrize(
    "address",
    [
        *("", " ", "@", "a", "a@", "@b.example", "a@b", "a@@b.example", "a@b..example", ".a@b.example"),
        *("a b@c.example", '"a b"@c.example', "a@[127.0.0.1]", "Anna <a@b.example>", "mailto:a@b.example"),
        *("a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "a\x00@b.example", "a@b.exam\x00ple"),
        *(
            "a\ud800@b.example",
            "\u202ea@b.example",
            "a\u2066@b.example",
            "a\u200b@b.example",
            "a@b\u200b.example",
        ),
        *(
            "a\ufe6bb@c.example",
            "a\u2026b@c.example",
            "a\u2024@c.example",
            "a\u00a8b@c.example",
            "a\ue000@c.example",
            "a@-b.example",
            "a@b.example.",
            "a@b_c.example",
            "a@" + "b" * 64 + ".example",
        ),
        *("a" * 245 + "@b.example", "a" * 100_000 + "@b.example", "a@" + ".".join(["b" * 50] * 6)),
    ],
)
def test_what_is_no_address_is_refused_without_quoting_it(address: str) -> None:
    with pytest.raises(InvalidEmail) as refusal:
        fold_email(address)
    assert (refusal.value.code, refusal.value.field) == ("email_invalid", "email")
    assert refusal.value.detail == InvalidEmail.detail
    assert refusal.value.__suppress_context__ or refusal.value.__cause__ is None


def test_a_repr_shows_no_address() -> None:
    assert repr(fold_email("anna@mail.example")) == "FoldedEmail()"


@given(local_parts, unknown_domains | known_domains)
def test_folding_twice_changes_nothing_more(local: str, domain: str) -> None:
    once = folded(f"{local}@{domain}")
    assert folded(once) == once


@given(local_parts, unknown_domains | known_domains)
def test_capitals_do_not_matter(local: str, domain: str) -> None:
    assert folded(f"{local}@{domain}".upper()) == folded(f"{local}@{domain}".lower())


@given(local_parts, local_parts, unknown_domains, unknown_domains)
def test_different_addresses_elsewhere_never_merge(one: str, other: str, here: str, there: str) -> None:
    left, right = f"{one}@{here}".lower(), f"{other}@{there}".lower()
    assume(left != right)
    assert folded(left) != folded(right)


@given(ANY_TEXT)
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    for address in (text, f"{text}@mail.example", f"a@{text}", f"{text}@gmail.com"):
        try:
            found = fold_email(address)
        except InvalidEmail:
            continue
        assert folded(found.folded) == found.folded
        assert found.folded.count("@") == 1
        found.deliver_to.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Koval", "  ANNA   KOVAL "),
        ("Anna Koval", "Koval, Anna"),
        ("José Núñez", "Jose Nunez"),
        ("Łukasz", "lukasz"),
        ("O'Brien", "O’Brien"),
        ("Mary-Ann", "Maryann"),
        ("Марʼяна", "Мар'яна"),
        ("Ольга Коваль", "ольга коваль"),
        ("مُحَمَّد", "محمد"),
        ("ＡＮＮＡ", "anna"),
        ("Groß", "GROSS"),
    ],
)
def test_one_person_writes_the_name_now_so_now_otherwise(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Koval", "Olha Koval"),
        ("Anna Koval", "Anna"),
        ("Ann A", "Anna"),
        ("राम", "रमा"),
        ("कि", "की"),
        ("李", "王"),
        ("!!!", "???"),
        ("👩", "👨"),
    ],
)
def test_two_people_keep_two_names(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@given(names)
def test_a_folded_name_folds_to_itself(name: str) -> None:
    once = fold_name(name)
    assert fold_name(once) == once
    assert unicodedata.is_normalized("NFKC", once)


@given(names.filter(lambda name: not name.isspace() and name != ""))
def test_a_name_never_folds_away(name: str) -> None:
    assert fold_name(name)


@pytest.mark.parametrize(
    ("typed", "postcode"),
    [
        ("sw1a1aa", "SW1A 1AA"),
        (" SW1A  1AA ", "SW1A 1AA"),
        ("m11ae", "M1 1AE"),
        ("m60 1nw", "M60 1NW"),
        ("cr2-6xh", "CR2 6XH"),
        ("dn551pt", "DN55 1PT"),
        ("w1a1hq", "W1A 1HQ"),
        ("ec1a1bb", "EC1A 1BB"),
        ("gir0aa", "GIR 0AA"),
        ("bf11aa", "BF1 1AA"),
        ("je2 3ab", "JE2 3AB"),
        ("ｓｗ１ａ １ａａ", "SW1A 1AA"),
    ],
)
def test_british_postcodes_get_their_shape(typed: str, postcode: str) -> None:
    assert normalise_postcode(typed) == postcode
    assert normalise_postcode(postcode) == postcode


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "SW1A",
        "SW1A 1A",
        "SW1A 1AAA",
        "SW1A AAA",
        "1AA SW1A",
        "SW1A 1CA",
        "ABC1 1AA",
        "M1 1AE\x00",
        "79000",
    ],
)
def test_what_is_no_british_postcode_is_refused(typed: str) -> None:
    with pytest.raises(InvalidPostcode) as refusal:
        normalise_postcode(typed)
    assert (refusal.value.code, refusal.value.field) == ("postcode_invalid", "postcode")


def test_other_countries_have_postcodes_of_their_own() -> None:
    assert normalise_postcode("79000", "UA") == "79000"
    assert normalise_postcode("00-950", "PL") == "00-950"
    assert normalise_postcode("k1a 0b1", "CA") == "K1A 0B1"
    for wrong in ("", "x" * 12, "79000\x00", "<b>"):
        with pytest.raises(InvalidPostcode):
            normalise_postcode(wrong, "UA")


def test_places_are_told_apart_by_country_and_postcode() -> None:
    assert fold_place("gb", "SW1A 1AA") == fold_place("GB", "sw1a1aa") == "GB:sw1a1aa"
    assert fold_place("UA", None) == fold_place("UA", "") == "UA:"
    assert fold_place("UA", "79000") != fold_place("PL", "79000")


def test_every_rule_has_its_source_and_no_domain_two_rules() -> None:
    assert all(provider.source for provider in PROVIDERS)
    assert sum(len(provider.domains) for provider in PROVIDERS) == len(BY_DOMAIN)
    assert all(provider.canonical in {None, *provider.domains} for provider in PROVIDERS)
    assert len(set(WELL_KNOWN_DOMAINS)) == len(WELL_KNOWN_DOMAINS)


near_addresses = st.builds(
    "{}@{}".format,
    st.text("ab+-_.0", min_size=1, max_size=70) | local_parts.map(str.lower),
    known_domains
    | unknown_domains
    | st.text("ab-.01XN", min_size=1, max_size=30).map(lambda text: f"{text}.org")
    | st.sampled_from(
        ["localhost", "a.test", "xn--e1afmkfd.org", "xn--a.org", "a..org", "a.1", "a.org.", "1.2.3.4"]
    ),
)


@given(near_addresses | ANY_TEXT)
def test_the_short_way_agrees_with_the_long_one(address: str) -> None:
    short = _fold_plain(address)
    try:
        long: FoldedEmail | None = _fold_any(address)
    except InvalidEmail:
        long = None

    assert short is None or short == long


@pytest.mark.parametrize("address", ["suzie.fenn+x@gmail.com", "a.b.c@Charity.CO.UK", "x@ukr.net"])
def test_what_nearly_all_type_goes_the_short_way(address: str) -> None:
    assert _fold_plain(address) == fold_email(address)
