import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.languages import LOCALES
from app.supporters.identity import InvalidPostcode, normalise_postcode
from app.supporters.regions import REGION_NAMES, REGION_OF_AREA, region_name, region_of

INWARD = st.from_regex(r"\A[0-9][ABD-HJLNP-UW-Z]{2}\Z")
# Royal Mail's geographic areas of the United Kingdom, by the alphabet: kept apart from the table by region.
AREAS = re.findall(
    "[A-Z]+",
    """
    AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC
    EH EN EX FK FY G GL GU HA HD HG HP HR HS HU HX IG IP IV KA KT KW KY L LA LD LE LL LN LS LU M ME
    MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST
    SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE
    """,
)


def test_all_121_areas_have_one_region() -> None:
    assert len(AREAS) == len(set(AREAS)) == 121
    assert set(REGION_OF_AREA) == set(AREAS)
    assert set(REGION_OF_AREA.values()) == set(REGION_NAMES)


def test_every_region_has_a_name_in_every_language() -> None:
    assert len(REGION_NAMES) == 12
    assert all(set(names) == set(LOCALES) and all(names.values()) for names in REGION_NAMES.values())


@pytest.mark.parametrize(
    ("postcode", "name"),
    [
        ("SW1A 1AA", "London"),
        ("EH1 1YZ", "Scotland"),
        ("CF10 1EP", "Wales"),
        ("BT1 5GS", "Northern Ireland"),
        ("LS1 4DY", "Yorkshire and the Humber"),
        ("L1 8JQ", "North West"),
        ("M1 1AE", "North West"),
        ("B33 8TH", "West Midlands"),
        ("NG1 5DT", "East Midlands"),
        ("NE1 7RU", "North East"),
        ("CB2 1TN", "East of England"),
        ("BN1 1EE", "South East"),
        ("TR19 7AA", "South West"),
    ],
)
def test_known_places(postcode: str, name: str) -> None:
    region = region_of("GB", postcode)
    assert region is not None
    assert region_name(region) == name


@pytest.mark.parametrize(
    "postcode", ["GIR 0AA", "BX1 1LT", "BF1 2AA", "JE2 3AB", "", None, "12345", "ST", "ΑB1 1AA"]
)
def test_what_lies_in_no_region(postcode: str | None) -> None:
    assert region_of("GB", postcode) is None


@given(st.sampled_from(AREAS), st.integers(1, 99), INWARD)
def test_only_the_letters_in_front_count(area: str, district: int, inward: str) -> None:
    expected = REGION_OF_AREA[area]
    typed = f"{area}{district}{inward}"
    spellings = {typed, typed.lower(), f" {area.lower()}{district} {inward}", normalise_postcode(typed)}
    assert {region_of("GB", spelling) for spelling in spellings} == {expected}


@given(st.text(max_size=12))
def test_whatever_is_typed_has_a_known_region_or_none(postcode: str) -> None:
    assert region_of("GB", postcode) in {*REGION_NAMES, None}


@given(st.text(alphabet="ABEGW019 -sw1a", max_size=8))
def test_a_spelling_and_its_normal_form_agree(postcode: str) -> None:
    try:
        normal = normalise_postcode(postcode)
    except InvalidPostcode:
        return
    assert region_of("GB", postcode) == region_of("GB", normal)


@given(st.sampled_from(["UA", "IE", "JE", "US"]), st.sampled_from(AREAS))
def test_other_countries_have_no_region_here(country: str, area: str) -> None:
    assert region_of(country, f"{area}1 1AA") is None


def test_an_unknown_code_names_itself() -> None:
    assert region_name("E12000007", "uk") == "Лондон"
    assert region_name("E12000007", "fr") == "London"
    assert region_name("X1") == "X1"
