"""The signers, and what wrk and pgbench are told."""

import json
import re
from pathlib import Path

import pytest

from app.api.v1.petitions import SignatureRequest
from app.supporters.identity import fold_email
from devtools.bench.load import Load, Result
from devtools.bench.processes import CannotMeasure
from devtools.bench.signers import Profile, draw_profiles, profiles_in_lua
from devtools.bench.signing import Stock, verify


def test_every_profile_makes_valid_and_distinct_signers() -> None:
    profiles = draw_profiles(300)
    forms = [
        SignatureRequest.model_validate_json(profile.body(f"r1x0x{number}"))
        for number, profile in enumerate(profiles)
    ]
    assert len({fold_email(form.email).folded for form in forms}) == 300
    one = [json.loads(profiles[0].body(unique))["email"] for unique in ("r1x0x1", "r1x0x2", "r2x0x1")]
    assert len({fold_email(address).folded for address in one}) == 3


def test_the_mix_is_realistic() -> None:
    forms = [json.loads(profile.body("x")) for profile in draw_profiles(1_000)]
    british = sum(form["country"] == "GB" for form in forms) / len(forms)
    assert 0.8 < british < 0.92
    assert len({form["country"] for form in forms}) > 8
    assert len({form["placement"] for form in forms}) > 3
    assert {form["locale"] for form in forms} == {"en", "uk", "ar"}
    assert len({form["email"].partition("@")[2] for form in forms}) > 5
    assert 0.5 < sum(bool(form["postcode"]) for form in forms) / len(forms) < 0.8


def test_quotes_and_backslashes_survive_lua() -> None:
    lua = profiles_in_lua([Profile('{"name": "O\\u2019Neil \\"x\\"', '"}')])
    assert r'"{\"name\": \"O\\u2019Neil \\\"x\\\""' in lua
    assert re.search(r'after = \{\n"\\"\}"\n\}', lua)


def test_what_is_lost_is_noticed() -> None:
    before, after = Stock(5, 10, 0), Stock(3, 17, 1)
    enough = Result(requests=6, seconds=1, refused=0, broken=0, p50_ms=1, p90_ms=1, p99_ms=1)
    verify(before, after, enough)
    lost = Result(requests=7, seconds=1, refused=0, broken=0, p50_ms=1, p90_ms=1, p99_ms=1)
    with pytest.raises(CannotMeasure, match="LOST"):
        verify(before, after, lost)
    refused = Result(requests=7, seconds=1, refused=1, broken=0, p50_ms=1, p90_ms=1, p99_ms=1)
    assert refused.acknowledged == 6
    with pytest.raises(CannotMeasure, match="refused"):
        verify(before, after, refused)


def test_without_wrk_the_record_says_so(tmp_path: Path) -> None:
    assert "wrk is missing" in Load(tmp_path, [], own_client=True).name
