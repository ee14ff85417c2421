import base64

import pytest
from nacl.public import PrivateKey

from app.crypto.errors import InvalidKey
from app.crypto.keys import encode_key, new_keys, parse_key, parse_sealing_key, public_of


def test_new_keys_are_a_pair_and_all_different() -> None:
    keys, others = new_keys(), new_keys()
    assert public_of(keys.opening) == keys.sealing
    assert bytes(PrivateKey(keys.opening).public_key) == keys.sealing
    everything = [*keys.encoded().values(), *others.encoded().values()]
    assert len(set(everything)) == 8
    assert set(keys.encoded()) == {"sealing_key", "opening_key", "hash_key", "form_key"}


def test_what_was_encoded_parses_back() -> None:
    for _ in range(300):
        keys = new_keys()
        encoded = keys.encoded()
        assert parse_key(f" {encoded['hash_key']}\n", "HAVEN_HASH_KEY") == keys.hash
        assert parse_key(encoded["opening_key"] + "=", "HAVEN_OPENING_KEY") == keys.opening
        assert parse_sealing_key(encoded["sealing_key"], "HAVEN_SEALING_KEY") == keys.sealing


WEAK = {
    "empty": "",
    "blank": "  \n",
    "zeros": encode_key(bytes(32)),
    "one byte repeated": encode_key(b"\xaa" * 32),
    "eight bytes repeated": encode_key(b"\x8f\x12\xaa\x01\xd4\x77\x99\xfe" * 4),
    "typed text": encode_key(b"The quick brown fox jumps over 13"[:32]),
    "31 bytes": base64.urlsafe_b64encode(bytes(range(180, 211))).decode(),
    "33 bytes": base64.urlsafe_b64encode(bytes(range(180, 213))).decode(),
    "hex": bytes(range(180, 212)).hex(),
    "plain base64": "+" + encode_key(bytes(range(180, 212)))[1:],
    "a hole": encode_key(bytes(range(180, 212)))[:20] + " " + encode_key(bytes(range(180, 212)))[21:],
    "nul": "\x00" * 43,
    "beyond ASCII": "щ" * 43,
}


@pytest.mark.parametrize("text", WEAK.values(), ids=WEAK.keys())
def test_weak_and_broken_keys_are_refused_by_name_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidKey, match="HAVEN_HASH_KEY") as refusal:
        parse_key(text, "HAVEN_HASH_KEY")
    assert "haven keys new" in str(refusal.value)
    assert not text.strip() or text not in str(refusal.value)


def test_a_point_of_low_order_is_no_sealing_key() -> None:
    # One of the points of order 8 on Curve25519, which no message can be sealed to.
    low = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
    with pytest.raises(InvalidKey, match="no public key"):
        parse_sealing_key(encode_key(low), "HAVEN_SEALING_KEY")


def test_a_repr_shows_no_key() -> None:
    assert repr(new_keys()) == "KeySet()"
