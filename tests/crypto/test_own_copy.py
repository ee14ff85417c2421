import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tokens import hash_token, new_token
from app.crypto.errors import CannotOpen
from app.crypto.own_copy import decrypt, encrypt

TOKEN = "abcdefghijklmnopqrstuvwxyz012345"
OTHER = "abcdefghijklmnopqrstuvwxyz012346"
PERSON = {"name": "Ольга Коваль", "email": "olha@mail.example"}
VECTOR = bytes.fromhex(
    "010a079ce956db24b82ac5dcd72f2179597e6c5795642173b65daf2e4745490fb571aabedbb589a228da20faba716270"
    "87c05f1cf5bb17ba830be5ae858c3f5a5d07850c23f2c7cf2a507149dedaf7a15617496485b945fc8b9c656152ebf5e1"
    "092c3684977ca0e773"
)


def test_the_token_opens_it() -> None:
    token = new_token()
    assert decrypt(token, encrypt(token, PERSON)) == PERSON


def test_a_copy_made_in_the_past_still_opens() -> None:
    assert decrypt(TOKEN, VECTOR) == PERSON


def test_it_is_never_the_same_bytes_twice() -> None:
    assert encrypt(TOKEN, PERSON) != encrypt(TOKEN, PERSON)


@pytest.mark.parametrize(
    "token", [OTHER, "", "short", TOKEN + "x", hash_token(TOKEN).hex()[:32], "\ud800" * 32]
)
def test_no_other_token_opens_it(token: str) -> None:
    with pytest.raises(CannotOpen):
        decrypt(token, VECTOR)


@given(st.integers(0, len(VECTOR) * 8 - 1))
def test_one_changed_bit_is_enough_to_refuse(place: int) -> None:
    altered = bytearray(VECTOR)
    altered[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotOpen):
        decrypt(TOKEN, bytes(altered))


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(noise: bytes) -> None:
    for blob in (noise, b"\x01" + noise):
        with pytest.raises(CannotOpen):
            decrypt(TOKEN, blob)


def test_half_a_token_makes_no_key() -> None:
    with pytest.raises(ValueError, match="whole token"):
        encrypt("half", PERSON)
