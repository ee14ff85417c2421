import re
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.cli.demo.giving import draw_gift
from app.cli.demo.making import MOST, donation_id, index_of, signature_id
from app.cli.demo.people import DOMAIN, LIFETIME, Population
from app.cli.demo.reading import Translated, demo_people, demo_texts
from app.cli.demo.timing import Timeline
from app.core.languages import COUNTRIES, LOCALES
from app.core.money import SUPPORTED_CURRENCIES, Money
from app.core.text import clean_text
from app.donations.limits import check_amount, limits
from app.petitions import recording
from app.supporters.identity import fold_email, normalise_postcode
from app.supporters.regions import REGION_NAMES, region_of

NOW = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)
TEXTS = demo_texts()
ALL_TRANSLATED = [
    TEXTS.campaign.title,
    TEXTS.campaign.summary,
    TEXTS.campaign.story,
    TEXTS.petition.target,
    TEXTS.petition.carried_over_note,
    *(text for v in TEXTS.petition.version for text in (v.title, v.body, *v.asks)),
    TEXTS.appeal.title,
    TEXTS.appeal.story,
    *(wording.text for wording in TEXTS.wordings),
]


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - invents people, keeps no secret


def population(days: int = 14) -> Population:
    weights = {placement.slug: placement.weight for placement in TEXTS.placements}
    return Population(demo_people(), weights, Timeline(NOW - timedelta(days=days), NOW), NOW)


def test_the_facts_are_those_of_the_campaign() -> None:
    assert (TEXTS.petition.goal, TEXTS.petition.carried_over_count) == (300_000, 265_826)
    assert "not verified here" in TEXTS.petition.carried_over_note.en
    assert [len(version.asks) for version in TEXTS.petition.version] == [2]
    assert (TEXTS.appeal.currency, TEXTS.appeal.target_minor) == ("GBP", 100_000_00)
    assert {c.name: c.charity_number for c in TEXTS.appeal.beneficiary} == {
        "British Red Cross": "220949",
        "Save the Children": "213890",
        "Disasters Emergency Committee": "1062638",
    }
    first, second = TEXTS.appeal.allocation
    assert first.weights == {"British Red Cross": 1, "Save the Children": 1}
    assert second.weights == {"Disasters Emergency Committee": 1}
    assert second.starts_at == datetime(2022, 3, 3, tzinfo=ZoneInfo("Europe/London"))


def test_a_missing_language_is_refused() -> None:
    with pytest.raises(ValidationError):
        Translated.model_validate({"en": "Welcome", "uk": "Вітаємо"})


@pytest.mark.parametrize("text", ALL_TRANSLATED)
def test_each_language_is_written_in_its_own_letters(text: Translated) -> None:
    for said in (text.en, text.uk, text.ar):
        assert clean_text(said, 10_000) == said
    assert not re.search(r"[\u0400-\u04ff\u0600-\u06ff]", text.en)
    assert re.search(r"[\u0400-\u04ff]", text.uk)
    assert not re.search(r"[ыэъёЫЭЪЁ]", text.uk), "letters that Ukrainian has not"
    assert len(re.findall(r"[\u0600-\u06ff]", text.ar)) > len(re.findall(r"[A-Za-z]", text.ar))
    paragraphs = {said.count("\n\n") for said in (text.en, text.uk, text.ar)}
    assert len(paragraphs) == 1, "a paragraph is missing in a language"


def test_a_signature_is_agreed_to_in_plain_words() -> None:
    (wording,) = (w for w in TEXTS.wordings if w.purpose == "signature")
    assert wording.required
    for said in (wording.text.en, wording.text.uk, wording.text.ar):
        assert "9(2)(a)" in said
        assert "7" in said
    assert "political opinion" in wording.text.en
    assert TEXTS.campaign.data_controller in wording.text.en
    assert [w.required for w in TEXTS.wordings if w.purpose == "updates"] == [False]


def test_the_terms_of_a_gift_name_the_charities_of_their_time() -> None:
    numbers = {charity.name: charity.charity_number for charity in TEXTS.appeal.beneficiary}
    terms = [wording for wording in TEXTS.wordings if wording.purpose == "donation"]
    assert [wording.version for wording in terms] == [1, 2]
    for wording, allocation in zip(terms, TEXTS.appeal.allocation, strict=True):
        named = {numbers[name] for name in allocation.weights}
        for said in (wording.text.en, wording.text.uk, wording.text.ar):
            assert set(re.findall(r"\b\d{6,7}\b", said)) == named
            assert TEXTS.campaign.contact_email in said
            assert "Stripe" in said


def test_suggestions_are_modest_and_within_the_limits() -> None:
    assert set(TEXTS.appeal.currencies) == set(TEXTS.appeal.suggested_minor) == SUPPORTED_CURRENCIES
    for currency, amounts in TEXTS.appeal.suggested_minor.items():
        assert list(amounts) == sorted(set(amounts))
        for amount in amounts:
            check_amount(Money(amount, currency))
            assert amount * 50 <= limits(currency)[1].amount_minor


def test_the_parts_people_are_made_of_fit_together() -> None:
    people = demo_people()
    assert set(people.countries) <= COUNTRIES
    assert set(people.regions) == set(REGION_NAMES)
    assert set(people.names) == set(people.comments) == set(LOCALES)
    assert recording.LIFETIME == LIFETIME


@given(st.integers(0, 10**9), st.integers(0, 2**32))
@settings(max_examples=300)
def test_people_are_plausible(index: int, seed: int) -> None:
    signer = population().draw(seeded(seed), index)
    assert fold_email(signer.email).folded == signer.email
    assert signer.email.endswith(f".{index}@{DOMAIN}")
    if signer.postcode:
        assert signer.country == "GB"
        assert normalise_postcode(signer.postcode) == signer.postcode
        assert signer.region is not None
    assert signer.region == region_of(signer.country, signer.postcode)
    moments = [at for at in (signer.signed_at, signer.confirmed_at, signer.ended_at) if at]
    assert moments == sorted(moments)
    assert moments[-1] <= NOW
    assert (signer.confirmed_at is not None) == (signer.state in ("confirmed", "withdrawn"))
    assert (signer.ended_at is not None) == (signer.state in ("lapsed", "withdrawn"))
    if signer.confirmed_at:
        assert signer.confirmed_at < signer.expires_at
    gift = draw_gift(seeded(seed), signer, NOW)
    if gift:
        check_amount(Money(gift.amount_minor, gift.currency))
        assert signer.confirmed_at is not None
        assert signer.confirmed_at < gift.created_at <= gift.ended_at <= NOW


def test_most_confirm_and_few_leave() -> None:
    random, drawn = seeded(1), population()
    states = [drawn.draw(random, k).state for k in range(4000)]
    shares = {state: states.count(state) / len(states) for state in set(states)}
    assert 0.85 < shares["confirmed"] < 0.92
    assert 0.01 < shares["withdrawn"] < 0.03
    assert shares["pending"] > 0.005
    assert shares["lapsed"] > 0.04


def test_the_rush_comes_first_and_nights_are_quiet() -> None:
    start = NOW - timedelta(days=14)
    timeline, random = Timeline(start, NOW), seeded(2)
    moments = [timeline.draw(random) for _ in range(6000)]
    early = sum(at < start + timedelta(hours=48) for at in moments) / len(moments)
    assert 0.35 < early < 0.6
    by_hour = [sum(at.hour == hour for at in moments) for hour in range(24)]
    assert max(by_hour[1:5]) * 3 < min(by_hour[17:21])


@given(st.datetimes(timezones=st.just(UTC)), st.floats(0.001, 2000), st.integers(0, 99))
def test_no_moment_lies_outside(start: datetime, hours: float, seed: int) -> None:
    try:
        end = start + timedelta(hours=hours)
        timeline = Timeline(start, end)
    except OverflowError:
        return
    assert start <= timeline.draw(seeded(seed)) <= end


def test_a_history_ends_after_it_began() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Timeline(NOW, NOW)


@given(st.integers(1, 4095), st.integers(0, MOST - 1))
def test_ids_say_what_they_are(parent: int, index: int) -> None:
    marked: UUID = signature_id(parent, index)
    assert str(marked).startswith("de30de30-0001-8")
    assert marked.version == 8
    assert index_of(marked) == index
    assert donation_id(parent, index) != marked


def test_ids_run_out_plainly() -> None:
    with pytest.raises(ValueError, match="No id is free"):
        signature_id(1, MOST)
