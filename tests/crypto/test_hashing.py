import hashlib
import hmac
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import well_formed
from app.crypto.errors import InvalidKey
from app.crypto.hashing import Hasher

KEY = bytes(range(32))
SIGNATURE = UUID("0192f0c1-0000-7000-8000-000000000001")
hasher = Hasher(KEY)


def test_the_hashes_are_those_that_stored_rows_hold() -> None:
    assert (
        hasher.supporter(1, "olha@mail.example").hex
        == "bb3aca4d0e55b1cdd05448fbbecda305d00427c36005eb4fc57867d2fc89d9d6"[:32]
    )
    assert hasher.link_token(SIGNATURE, 1) == "Gx1EdET8xbnHBiOp4jAJAsVAilnDlXOK"


def test_it_is_hmac_sha_256_under_a_derived_key() -> None:
    subkey = hmac.new(
        KEY, b"haven:hash:1\0email\0" + (1).to_bytes(8, "big") + b"\x01", hashlib.sha256
    ).digest()
    whole = hmac.new(subkey, b"a@b.example", hashlib.sha256).digest()
    assert hasher.supporter(1, "a@b.example").bytes == whole[:16]


def test_purposes_and_campaigns_never_match() -> None:
    text = "same"
    hashes = [
        hasher.supporter(1, text).bytes,
        hasher.supporter(2, text).bytes,
        hasher.name(1, text),
        hasher.place(1, text),
        hasher.suppression(text),
        hasher.network(text, date(2026, 11, 22)),
        hasher.network(text, date(2026, 11, 23)),
        Hasher(bytes(32)[:-1] + b"\x01").supporter(1, text).bytes,
    ]
    assert len({value[:8] for value in hashes}) == len(hashes)
    assert [len(value) for value in hashes] == [16, 16, 16, 8, 32, 32, 32, 16], "128 bits for who it is"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63 - 1))
def test_the_same_input_hashes_the_same_in_every_process(text: str, campaign_id: int) -> None:
    assert hasher.supporter(campaign_id, text) == Hasher(KEY).supporter(campaign_id, text)


def test_link_tokens_can_be_made_again_and_change_with_the_version() -> None:
    first = hasher.link_token(SIGNATURE, 1)
    assert well_formed(first)
    assert first == Hasher(KEY).link_token(SIGNATURE, 1)
    others = {
        hasher.link_token(SIGNATURE, 2),
        hasher.link_token(UUID(int=SIGNATURE.int + 1), 1),
        Hasher(bytes(range(1, 33))).link_token(SIGNATURE, 1),
    }
    assert len(others | {first}) == 4


def test_nothing_shows_the_key() -> None:
    assert repr(Hasher(KEY, key_version=2)) == "Hasher(key_version=2)"
    assert Hasher(KEY, key_version=2).key_version == 2


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidKey, match="32 bytes"):
        Hasher(key)
