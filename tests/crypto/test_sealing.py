from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey
from pydantic import JsonValue

from app.crypto.errors import CannotOpen
from app.crypto.payload import BLOCK, pack, unpack
from app.crypto.sealing import Opener, Sealer, key_id_of

KEY = PrivateKey(bytes(range(1, 33)))
OTHER = PrivateKey(bytes(range(101, 133)))
ROW = UUID("0192f0c1-0000-7000-8000-000000000001")
ANOTHER_ROW = UUID("0192f0c1-0000-7000-8000-000000000002")
PERSON: dict[str, JsonValue] = {
    "name": "Ольга Коваль",
    "email": "olha@mail.example",
    "consents": [1, None, True],
}

sealer = Sealer(7, bytes(KEY.public_key))
opener = Opener({7: KEY, 3: OTHER})
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

# Sealed once by this code; must open for as long as there are rows like it.
VECTOR = bytes.fromhex(
    "00000007ce10749597534ec5a4f57507bb844ef8e4c2f90a9c026d9c28e9df8734863f2aaa115bcea8aec5721418f51d"
    "45f31024b553071f61c87c80972eff09f072df1bbfcf419bf25cdfa1ea5f88db93840f74a72ae896224bf481fc5f5df1"
    "b004ab7c29cd98cab9f3fd7edfa1e40a550141452def77b4165fb1a1f969c15fb4db2655b83c71a64244410c6f65807a"
    "e9ea11e7bcfffe5737bdabea4a76bba3d5cfea8a877f24219caca94e65dc09d6da1a85ca4d250f2c5d7e5778f7d52bb5"
    "c43010d11e4ea3f113625e095ca2768c261c0a2b"
)


def test_what_is_sealed_opens_with_the_key() -> None:
    assert opener.open(sealer.seal(PERSON, ROW), ROW) == PERSON


def test_bytes_sealed_in_the_past_still_open() -> None:
    assert opener.open(VECTOR, ROW) == PERSON


def test_the_key_id_stands_in_front() -> None:
    sealed = sealer.seal(PERSON, ROW)
    assert sealed[:4] == b"\x00\x00\x00\x07"
    assert key_id_of(sealed) == 7
    with pytest.raises(CannotOpen, match="short"):
        key_id_of(sealed[:4])


def test_the_same_payload_never_seals_to_the_same_bytes() -> None:
    assert sealer.seal(PERSON, ROW) != sealer.seal(PERSON, ROW)


def test_nothing_of_the_payload_shows() -> None:
    sealed = sealer.seal(PERSON, ROW)
    assert b"olha" not in sealed
    assert "Ольга".encode() not in sealed
    assert str(ROW).encode() not in sealed


def test_the_public_key_alone_does_not_open() -> None:
    with pytest.raises(CannotOpen):
        Opener({7: PrivateKey(bytes(KEY.public_key))}).open(sealer.seal(PERSON, ROW), ROW)


def test_old_keys_still_open_after_a_new_one_came() -> None:
    assert opener.open(Sealer(3, bytes(OTHER.public_key)).seal(PERSON, ROW), ROW) == PERSON


def test_an_unknown_key_is_named_by_its_id() -> None:
    with pytest.raises(CannotOpen, match="key 9"):
        opener.open(Sealer(9, bytes(KEY.public_key)).seal(PERSON, ROW), ROW)


def test_bytes_moved_to_another_row_do_not_open() -> None:
    with pytest.raises(CannotOpen, match="another row"):
        opener.open(sealer.seal(PERSON, ROW), ANOTHER_ROW)


@given(st.data())
@settings(max_examples=300)
def test_one_changed_bit_is_enough_to_refuse(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(VECTOR) * 8 - 1))
    altered = bytearray(VECTOR)
    altered[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotOpen):
        opener.open(bytes(altered), ROW)


@given(st.integers(0, len(VECTOR) - 1))
def test_cut_bytes_are_refused(length: int) -> None:
    with pytest.raises(CannotOpen):
        opener.open(VECTOR[:length], ROW)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(noise: bytes) -> None:
    for sealed in (noise, b"\x00\x00\x00\x07" + noise):
        with pytest.raises(CannotOpen):
            opener.open(sealed, ROW)


@given(st.dictionaries(st.text(max_size=10), json_values, max_size=5), st.uuids())
def test_any_json_comes_back_as_it_was(payload: dict[str, JsonValue], row: UUID) -> None:
    assert opener.open(sealer.seal(payload, row), row) == payload


def test_lengths_come_in_steps() -> None:
    lengths = {len(sealer.seal({"name": "x" * n}, ROW)) for n in range(BLOCK)}
    assert len(lengths) <= 2
    assert len({length % BLOCK for length in lengths}) == 1


@pytest.mark.parametrize("value", ["\ud800", float("nan"), object(), b"x"])
def test_what_is_not_json_is_refused_without_being_shown(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be sealed") as refusal:
        sealer.seal({"secret-canary": value}, ROW)  # type: ignore[dict-item]
    assert "canary" not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_the_inside_is_canonical() -> None:
    assert pack({"b": 1, "a": "ї"}) == pack({"a": "ї", "b": 1})
    assert pack({"b": 1, "a": "ї"}).startswith('{"a":"ї","b":1}'.encode() + b"\x80")


@pytest.mark.parametrize(
    "plaintext", [b"", b"\x00" * 32, b"x" * 32, b"[]\x80" + b"\x00" * 29, b"{\x80" + b"\x00" * 30]
)
def test_an_inside_that_is_no_payload_is_refused(plaintext: bytes) -> None:
    with pytest.raises(CannotOpen):
        unpack(plaintext)


def test_nothing_shows_a_key() -> None:
    shown = f"{sealer!r} {opener!r}"
    assert shown == "Sealer(key_id=7) Opener(key_ids=[3, 7])"


def test_an_error_holds_nothing_of_what_was_inside() -> None:
    with pytest.raises(CannotOpen) as refusal:
        opener.open(sealer.seal(PERSON, ROW), ANOTHER_ROW)
    assert "olha" not in repr(refusal.value)


# A series: many rows by one key pair.

SERIES_VECTOR = bytes.fromhex(
    "80000007aecfc7a5d33a89eedf0ab6b59751d4fef3456ee7b5975dd89841c761b4e4fd70d84c6bb5969fa53d142fbfed"
    "88abfd0f041097471741eaba6709e62ab2817106085d38778ca7568e4f88302826e1b34be58acb4c0bb19fc37ae2fd59"
    "e1fc595224789b09adbd2934c07adc0efead473e5a857ddb75e4bbca1e515f6e4cf6491d1ebe3690cab3cb5362213c92"
    "88558daa"
)


def test_each_row_of_a_series_opens_for_itself_alone() -> None:
    series = sealer.series()
    one, other = series.seal(PERSON, ROW), series.seal({"name": "Suzie"}, ANOTHER_ROW)

    assert opener.open(one, ROW) == PERSON
    assert opener.open(other, ANOTHER_ROW) == {"name": "Suzie"}
    with pytest.raises(CannotOpen):
        opener.open(one, ANOTHER_ROW)


def test_rows_sealed_in_a_series_in_the_past_still_open() -> None:
    assert opener.open(SERIES_VECTOR, ROW) == PERSON


def test_a_series_seals_once_for_a_row() -> None:
    """A nonce that is used twice gives both payloads away."""
    series = sealer.series()
    series.seal(PERSON, ROW)
    with pytest.raises(ValueError, match="once"):
        series.seal({"name": "Suzie"}, ROW)


def test_two_series_share_nothing() -> None:
    assert sealer.series().seal(PERSON, ROW)[4:] != sealer.series().seal(PERSON, ROW)[4:]
    first, second = sealer.series(), sealer.series()
    assert first.seal(PERSON, ROW)[4:36] == first.seal(PERSON, ANOTHER_ROW)[4:36]
    assert first.seal(PERSON, UUID(int=3))[4:36] != second.seal(PERSON, ROW)[4:36]


def test_the_key_id_of_a_series_is_the_same() -> None:
    assert key_id_of(sealer.series().seal(PERSON, ROW)) == 7
    with pytest.raises(CannotOpen, match="key 9"):
        opener.open(Sealer(9, bytes(KEY.public_key)).series().seal(PERSON, ROW), ROW)
    assert opener.open(Sealer(3, bytes(OTHER.public_key)).series().seal(PERSON, ROW), ROW) == PERSON


@settings(max_examples=60)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_an_altered_byte_of_a_series_is_found(place: int, flip: int) -> None:
    sealed = bytearray(sealer.series().seal(PERSON, ROW))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(CannotOpen):
        opener.open(bytes(sealed), ROW)


@pytest.mark.parametrize("length", [5, 35, 36, 37, 51, 52])
def test_a_cut_series_is_found(length: int) -> None:
    with pytest.raises(CannotOpen):
        opener.open(sealer.series().seal(PERSON, ROW)[:length], ROW)


def test_an_opener_forgets_old_series_and_opens_them_again() -> None:
    rows = [(UUID(int=n), sealer.series().seal({"n": n}, UUID(int=n))) for n in range(600)]
    for _ in range(2):
        assert [opener.open(sealed, row)["n"] for row, sealed in rows] == list(range(600))
    assert len(opener._series) < 600


def test_nothing_of_a_series_shows_its_secret() -> None:
    series = sealer.series()
    series.seal(PERSON, ROW)
    assert repr(series) == "Series(1 sealed)"
