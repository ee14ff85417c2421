from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from app.core.languages import LOCALES
from app.mail.render import VALUES, render
from app.mail.values import revive

LINK = "https://haven.test/confirm/abc?lang=uk&placement=x"
# As the queue holds them, so that this is a test of the whole way from row to mail.
EVERYTHING: Mapping[str, JsonValue] = {
    "name": "Олена Коваль",
    "publisher": "The Example & Co",
    "link": LINK,
    "manage_link": LINK,
    "expires_at": "2022-03-11T09:00:00+00:00",
    "amount": {"amount_minor": 2550, "currency": "GBP"},
    "beneficiaries": [
        {"name": "British Red Cross", "charity_number": "220949"},
        {"name": "Save the Children", "charity_number": "213890"},
    ],
    "donated_at": "2022-03-04T09:00:00+00:00",
    "reference": "HVN-7QK2-94",
    "lines": [
        {"kind": "network", "signatures": 1412, "of_all": 2000},
        {"kind": "first_word", "signatures": 40, "of_all": 300},
    ],
    "terms": "**Fees.** Stripe keeps a part; see [its page](https://example.org).\n\n**Refunds.** Ask us.",
}
KINDS = [(kind, locale) for kind in VALUES for locale in LOCALES]


def values(kind: str, **changed: object) -> dict[str, object]:
    return revive({name: EVERYTHING[name] for name in VALUES[kind]}) | changed


@pytest.mark.parametrize(("kind", "locale"), KINDS)
def test_every_mail_in_every_language(kind: str, locale: str) -> None:
    mail = render(kind, locale, values(kind))
    assert "\n" not in mail.subject
    assert mail.subject
    assert LINK in mail.text
    assert LINK.replace("&", "&amp;") in mail.html
    assert "Олена Коваль" in mail.text
    assert "The Example &amp; Co" in mail.html
    assert f'lang="{locale}" dir="{"rtl" if locale == "ar" else "ltr"}"' in mail.html
    assert not mail.text.startswith((" ", "\n"))
    assert "  " not in mail.text
    assert "\n\n\n" not in mail.text
    assert "{" not in mail.text + mail.html
    assert "src=" not in mail.html
    english = render(kind, "en", values(kind))
    assert locale == "en" or mail.subject != english.subject


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["confirm_signature", "already_signed"])
def test_a_mail_to_a_signer_names_neither_petition_nor_signature(kind: str, locale: str) -> None:
    mail = render(kind, locale, values(kind))
    everything = (mail.subject + mail.text + mail.html).lower()
    for word in (
        "petition",
        "sign",
        "campaign",
        "петиц",
        "підпис",
        "кампані",
        "عريضة",
        "توقيع",
        "وقّع",
        "حملة",
    ):
        assert word not in everything.replace("no campaign", ""), word


def test_the_confirmation_reads_well() -> None:
    mail = render("confirm_signature", "en", values("confirm_signature"))
    assert mail.subject == "Please confirm your e-mail address"
    assert mail.text.splitlines()[:5] == [
        "Hello Олена Коваль,",
        "",
        "You entered this address in a form of The Example & Co. Please confirm that it was you:",
        "",
        LINK,
    ]
    assert "until 11 March 2022" in mail.text


def test_the_receipt_has_all_the_facts() -> None:
    mail = render("donation_receipt", "en", values("donation_receipt"))
    for fact in (
        "£25.50, once",
        "4 March 2022",
        "HVN-7QK2-94",
        "- British Red Cross, registered charity 220949",
    ):
        assert fact in mail.text
        assert fact.removeprefix("- ") in mail.html.replace("<strong>", "").replace("</strong>", "")
    assert "Fees. Stripe keeps a part; see its page (https://example.org)." in mail.text
    assert "**" not in mail.text + mail.html


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Win at www.spam.example",
        "http://x",
        "a@b",
        "cheap-pills.com",
        "<b>x</b>",
        "x" * 81,
        "spam.example/x",
    ],
)
def test_nobody_gets_an_address_to_a_stranger_by_signing_with_it(name: str) -> None:
    mail = render("confirm_signature", "en", values("confirm_signature", name=name))
    assert mail.text.startswith("Hello,\n")
    assert not name or name not in mail.html


@pytest.mark.parametrize("name", ["J. R. R. Tolkien", "Dr. Анна-Марія О’Ніл", "محمد بن علي", "Smith & Sons"])
def test_real_names_are_greeted(name: str) -> None:
    assert render("confirm_signature", "en", values("confirm_signature", name=name)).text.startswith(
        f"Hello {name},"
    )


def test_a_name_is_escaped_in_html() -> None:
    html = render("confirm_signature", "en", values("confirm_signature", name='A & "B"')).html
    assert "Hello A &amp; &#34;B&#34;," in html


def test_values_must_be_exactly_those_of_the_mail() -> None:
    with pytest.raises(ValueError, match="expires_at"):
        render("confirm_signature", "en", {"name": "x"})
    with pytest.raises(ValueError, match="needs"):
        render("confirm_signature", "en", values("confirm_signature", petition="x"))
    with pytest.raises(KeyError):
        render("no_such_mail", "en", {})
