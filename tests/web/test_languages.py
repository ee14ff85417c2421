import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import app
from app.core import languages
from app.core.errors import codes
from app.core.languages import COUNTRIES, LOCALES, LOCALES_DIR, Text
from app.core.money import Money
from app.core.templating import environment
from app.web.languages import chosen, negotiate
from app.web.messages import _SENTENCES, message
from app.web.views.frame import FieldError

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = tuple(locale for locale in LOCALES if locale != "en")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What `pybabel extract` finds now."""
    template = tmp_path_factory.mktemp("messages") / "haven.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg"]
    subprocess.run([*command, "-o", str(template), "."], cwd=ROOT, check=True)
    with template.open("rb") as lines:
        return read_po(lines)


def catalog(locale: str) -> Catalog:
    with (LOCALES_DIR / locale / "LC_MESSAGES" / "haven.po").open("rb") as lines:
        return read_po(lines, locale=locale)


def several(strings: object) -> tuple[str, ...]:
    """A message's strings: one, or one for each plural."""
    return tuple(map(str, strings)) if isinstance(strings, (list, tuple)) else (str(strings or ""),)


def messages(of: Catalog) -> Iterator[Message]:
    return (message for message in of if message.id)


def keys(of: Catalog) -> set[tuple[object, object]]:
    return {(message.id, message.context) for message in messages(of)}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_of_the_source_is_in_the_catalogue_and_no_other(source: Catalog, locale: str) -> None:
    assert len(keys(source)) > 150
    assert keys(catalog(locale)) == keys(source)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_is_translated_in_every_plural_and_keeps_its_placeholders(locale: str) -> None:
    known = catalog(locale)
    for entry in messages(known):
        strings, ids = several(entry.string), several(entry.id)
        assert not entry.fuzzy, entry.id
        assert all(strings), entry.id
        assert len(strings) == (known.num_plurals if len(ids) > 1 else 1), entry.id
        for string in strings:
            assert set(PLACEHOLDER.findall(string)) == set(PLACEHOLDER.findall(ids[-1])), entry.id


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_translation_is_in_its_own_script(locale: str) -> None:
    script = {"uk": re.compile("[а-яіїєґ]", re.IGNORECASE), "ar": re.compile("[\u0600-\u06ff]")}[locale]
    for entry in messages(catalog(locale)):
        assert all(script.search(string) for string in several(entry.string)), entry.id


@pytest.mark.parametrize(
    ("locale", "forms"),
    [
        ("en", {1: "signature", 2: "signatures", 5: "signatures"}),
        ("uk", {1: "підпис", 3: "підписи", 5: "підписів", 11: "підписів", 21: "підпис", 112: "підписів"}),
        (
            "ar",
            {
                2: "توقيعان",
                3: "توقيعات",
                10: "توقيعات",
                11: "توقيعًا",
                99: "توقيعًا",
                100: "توقيع",
                103: "توقيعات",
            },
        ),
    ],
)
def test_plurals(locale: str, forms: dict[int, str]) -> None:
    known = languages.translations(locale)
    assert {n: known.ngettext("signature", "signatures", n) for n in forms} == forms


@pytest.mark.parametrize(
    ("asked", "header", "expected"),
    [
        ("uk", "ar,en;q=0.5", "uk"),
        ("uk-UA", None, "uk"),
        ("ru", "ar", "ar"),
        (None, "de-DE,de;q=0.9,uk;q=0.8,en;q=0.7", "uk"),
        (None, "en;q=0.5, ar;q=0.9", "ar"),
        (None, "uk;q=0, en", "en"),
        (None, "AR-sy", "ar"),
        (None, "*", "en"),
        (None, "uk;q=nonsense, ar", "ar"),
        (None, ",,;;q=1," * 500, "en"),
        (None, "ru, be", "en"),
        ("", "", "en"),
    ],
)
def test_negotiation(asked: str | None, header: str | None, expected: str) -> None:
    assert negotiate(asked, header) == expected


def test_a_campaign_offers_only_its_own_languages() -> None:
    assert negotiate("ar", "ar, uk", offered=("en", "uk"), default="en") == "uk"
    assert negotiate(None, "ar", offered=("uk",), default="uk") == "uk"
    assert chosen("ar", offered=("en", "uk")) is None
    assert chosen("uk", offered=("en", "uk")) == "uk"


def test_words_fall_back_to_english_then_to_whatever_there_is() -> None:
    assert languages.pick_text({"en": "door", "uk": "двері"}, "uk") == Text("двері", "uk")
    assert languages.pick_text({"en": "door", "uk": ""}, "uk") == Text("door", "en")
    assert languages.pick_text({"ar": "باب"}, "uk") == Text("باب", "ar")
    assert languages.pick({}, "uk") == ""


def test_only_arabic_runs_from_right_to_left() -> None:
    assert {locale: languages.direction(locale) for locale in LOCALES} == {
        "en": "ltr",
        "uk": "ltr",
        "ar": "rtl",
    }


def test_countries_are_complete_and_in_the_order_of_each_language() -> None:
    assert len(COUNTRIES) == 250
    assert {"GB", "UA", "XK", "PS", "TW"} <= COUNTRIES
    assert not {"EU", "UN", "ZZ", "XA"} & COUNTRIES
    english = [name for _code, name in languages.countries("en")]
    ukrainian = [name for _code, name in languages.countries("uk")]
    assert english.index("Åland Islands") < english.index("Albania")
    assert (
        ukrainian.index("Єгипет")
        < ukrainian.index("Ємен")
        < ukrainian.index("Замбія")
        < ukrainian.index("Індія")
    )


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en", ("265,826", "£25", "£25.50", "£145,320", "8 March 2022", "in 30 seconds", "A, B and C")),
        (
            "uk",
            (
                "265\u00a0826",
                "25\u00a0£",
                "25,50\u00a0£",
                "145\u00a0320\u00a0£",
                "8 березня 2022\u202fр.",
                "через 30 секунд",
                "A, B і C",
            ),
        ),
        (
            "ar",
            (
                "265,826",
                "\u200f25\u00a0£",
                "\u200f25.50\u00a0£",
                "\u200f145,320\u00a0£",
                "8 مارس 2022",
                "خلال 30 ثانية",
                "A وB وC",
            ),
        ),
    ],
)
def test_figures_are_written_as_each_language_writes_them(locale: str, written: tuple[str, ...]) -> None:
    template = environment(ROOT, locale).from_string(
        "{{ 265826 | number }}|{{ whole | money }}|{{ part | money }}|{{ total | whole }}|{{ day | day }}"
        "|{{ 30 | from_now }}|{{ ['A', 'B', 'C'] | listing }}"
    )
    shown = template.render(
        whole=Money(2500, "GBP"),
        part=Money(2550, "GBP"),
        total=Money(14_532_099, "GBP"),
        day=date(2022, 3, 8),
    )
    assert tuple(shown.split("|")) == written


def test_a_moment_counts_on_the_day_it_has_in_london() -> None:
    assert languages.day(datetime(2022, 6, 30, 23, 30, tzinfo=UTC), "en") == "1 July 2022"


def test_errors_speak_the_readers_language() -> None:
    limit = FieldError("amount", "amount_too_small", Money(200, "GBP"))
    assert message(limit, "en") == "The smallest amount we can take is £2."
    assert "2\u00a0£" in message(limit, "uk")
    assert message(FieldError("name", "text_missing"), "en") == "Enter your name."
    assert message(FieldError("odd", "text_missing"), "en") == "Please fill this in."
    assert message(FieldError("odd", "never_heard_of"), "en").startswith("This cannot be accepted")


def test_every_sentence_belongs_to_an_error_that_exists() -> None:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    assert {code for _field, code in _SENTENCES} <= codes().keys()
