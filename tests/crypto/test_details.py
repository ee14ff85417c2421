import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from app.core.ids import new_id
from app.core.tokens import new_token
from app.crypto import own_copy
from app.crypto.details import FIELDS, decrypt, encrypt, key_of, open_sealed
from app.crypto.errors import CannotOpen
from app.crypto.sealing import SEALED_KEY_BYTES, WRAPPED_KEY_BYTES, Opener, OpeningSealer, Sealer

TOKEN = "abcdefghijklmnopqrstuvwxyz012345"
OTHER = "abcdefghijklmnopqrstuvwxyz012346"
PERSON = {"name": "Ольга Коваль", "email": "olha@mail.example", "postcode": "", "country": "UA"}
OPENING = PrivateKey(bytes(range(32)))
SEALER = Sealer(3, bytes(OPENING.public_key))
SEALERS = [SEALER, OpeningSealer(3, OPENING)]
ROW = new_id()
OPENER = Opener({3: OPENING})
VECTOR = bytes.fromhex(
    "020001020304050607d183f83f6d26700e917adca17fb2f03cdd78e892d1500e698761ca1df8b77ad349dc3ef301ba85"
    "54ed83f150744fa2c74b6ba8d7e18e255f2af15b9b345df040"
)
FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, FIELD)))
def test_link_and_opening_key_both_open_what_was_typed(person: dict[str, str]) -> None:
    token = new_token()
    copy = encrypt(key_of(token), person)
    assert decrypt(token, copy) == person
    for sealer in SEALERS:
        assert open_sealed(OPENER, sealer.seal_key(key_of(token), ROW), copy, ROW) == person


def test_a_copy_made_in_the_past_still_opens() -> None:
    assert decrypt(TOKEN, VECTOR) == PERSON


def test_it_is_never_the_same_bytes_twice() -> None:
    assert encrypt(key_of(TOKEN), PERSON) != encrypt(key_of(TOKEN), PERSON)


@pytest.mark.parametrize("token", [OTHER, "", "short", TOKEN + "x", "\ud800" * 32])
def test_no_other_token_opens_it(token: str) -> None:
    with pytest.raises(CannotOpen):
        decrypt(token, encrypt(key_of(TOKEN), PERSON))


@pytest.mark.parametrize("sealer", SEALERS)
def test_a_key_opens_its_own_rows_copy_alone(sealer: Sealer) -> None:
    sealed, copy = sealer.seal_key(key_of(TOKEN), ROW), encrypt(key_of(TOKEN), PERSON)
    with pytest.raises(CannotOpen):
        open_sealed(OPENER, sealed, encrypt(key_of(OTHER), PERSON), ROW)
    with pytest.raises(CannotOpen):
        open_sealed(Opener({3: PrivateKey(bytes(range(1, 33)))}), sealed, copy, ROW)
    with pytest.raises(CannotOpen):
        open_sealed(Opener({4: OPENING}), sealed, copy, ROW)
    for altered in (
        sealed[:-1] + bytes([sealed[-1] ^ 1]),
        sealed[:-1],
        b"",
        sealed[:4] + bytes(len(sealed) - 4),
    ):
        with pytest.raises(CannotOpen):
            open_sealed(OPENER, altered, copy, ROW)


def test_a_wrapped_key_belongs_to_its_row() -> None:
    wrapped, copy = SEALERS[1].seal_key(key_of(TOKEN), ROW), encrypt(key_of(TOKEN), PERSON)
    with pytest.raises(CannotOpen):
        open_sealed(OPENER, wrapped, copy, new_id())
    assert wrapped != SEALERS[1].seal_key(key_of(TOKEN), ROW), "the pad is another each time"
    assert key_of(TOKEN) not in wrapped


@pytest.mark.parametrize("sealer", SEALERS)
def test_only_keys_are_sealed_as_keys(sealer: Sealer) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        sealer.seal_key(b"short", ROW)


@given(st.data())
def test_altered_bytes_open_nothing(data: st.DataObject) -> None:
    copy = encrypt(key_of(TOKEN), PERSON)
    bit = data.draw(st.integers(0, len(copy) * 8 - 1))
    altered = bytearray(copy)
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        decrypt(TOKEN, bytes(altered))
    with pytest.raises(CannotOpen):
        decrypt(TOKEN, copy[: bit // 8])


def test_a_length_tells_little() -> None:
    names = ["Aleksandra Fenn", "Aleksandra Kowalska"]
    lengths = {
        len(encrypt(key_of(TOKEN), {**PERSON, "name": name, "email": "suzie@mail.example"})) for name in names
    }
    assert lengths == {1 + 8 + 16 + 48}
    lengths = {len(sealer.seal_key(key_of(TOKEN), ROW)) for sealer in SEALERS}
    assert lengths == {SEALED_KEY_BYTES, WRAPPED_KEY_BYTES} == {68, 24}


def test_rows_from_before_still_open() -> None:
    row = new_id()
    before = {"name": "Suzie Fenn", "email": "suzie@mail.example", "postcode": None}
    copy = own_copy.encrypt(TOKEN, {**before, "country": "GB"})
    assert decrypt(TOKEN, copy) == {
        "name": "Suzie Fenn",
        "email": "suzie@mail.example",
        "postcode": "",
        "country": "GB",
    }
    sealed = SEALER.seal(before, row)
    assert open_sealed(OPENER, sealed, copy, row)["email"] == "suzie@mail.example"
    # Changed since by its link: the copy is new, and the worker has not sealed its key yet.
    changed = encrypt(key_of(TOKEN), PERSON)
    assert open_sealed(OPENER, sealed, changed, row)["name"] == "Suzie Fenn"
    with pytest.raises(CannotOpen):
        open_sealed(OPENER, sealed, copy, new_id())


@pytest.mark.parametrize("person", [{"name": "a\0b"}, {"name": "\ud800"}])
def test_what_cannot_be_kept_is_refused_without_being_told(person: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"NUL|UTF-8") as refused:
        encrypt(key_of(TOKEN), person)
    assert "\ud800" not in str(refused.value)
