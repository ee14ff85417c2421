import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import hash_token, link_hash, new_token, well_formed


def test_tokens_are_well_formed_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(well_formed(token) for token in tokens)
    assert all(len(base64.urlsafe_b64decode(token)) * 8 >= 128 for token in tokens)


def test_the_stored_hash_is_sha_256() -> None:
    assert hash_token("abc") == hashlib.sha256(b"abc").digest()
    assert hash_token("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a" * 31,
        "a" * 33,
        "a" * 31 + "\n",
        "a" * 32 + "\n",
        "a" * 31 + "=",
        "a" * 31 + "+",
        "а" * 32,
        "\x00" * 32,
    ],
)
def test_what_is_no_token_is_seen_without_a_query(token: str) -> None:
    assert not well_formed(token)


def test_a_link_is_stored_under_half_of_it() -> None:
    assert link_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223"


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_can_be_hashed(text: str) -> None:
    assert len(hash_token(text)) == 32


def test_a_lone_surrogate_can_be_hashed_too() -> None:
    assert len(hash_token("\ud800" * 32)) == 32
