import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from app.core.ids import new_id
from app.core.tokens import new_token
from app.crypto import own_copy
from app.crypto.details import FIELDS, decrypt, encrypt, key_of, open_sealed
from app.crypto.errors import CannotOpen
from app.crypto.sealing import SEALED_KEY_BYTES, Opener, Sealer

TOKEN = "abcdefghijklmnopqrstuvwxyz012345"
OTHER = "abcdefghijklmnopqrstuvwxyz012346"
PERSON = {"name": "Ольга Коваль", "email": "olha@mail.example", "postcode": "", "country": "UA"}
OPENING = PrivateKey(bytes(range(32)))
SEALER = Sealer(3, bytes(OPENING.public_key))
OPENER = Opener({3: OPENING})
VECTOR = bytes.fromhex(
    "0200010203040506071731127dc8f5674ff41f9cb35ecef870f005dc09dc0f4864d0f3b69b44869cfd8c94a8931a3cfc"
    "ac12e294dc1e466df9998f44e3bf497bbf8127ae507c433731"
)
FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, FIELD)))
def test_link_and_opening_key_both_open_what_was_typed(person: dict[str, str]) -> None:
    token = new_token()
    copy, sealed = encrypt(key_of(token), person), SEALER.seal_key(key_of(token))
    assert decrypt(token, copy) == person
    assert open_sealed(OPENER, sealed, copy, new_id()) == person


def test_a_copy_made_in_the_past_still_opens() -> None:
    assert decrypt(TOKEN, VECTOR) == PERSON


def test_it_is_never_the_same_bytes_twice() -> None:
    assert encrypt(key_of(TOKEN), PERSON) != encrypt(key_of(TOKEN), PERSON)


@pytest.mark.parametrize("token", [OTHER, "", "short", TOKEN + "x", "\ud800" * 32])
def test_no_other_token_opens_it(token: str) -> None:
    with pytest.raises(CannotOpen):
        decrypt(token, encrypt(key_of(TOKEN), PERSON))


def test_a_key_opens_its_own_rows_copy_alone() -> None:
    copy = encrypt(key_of(OTHER), PERSON)
    with pytest.raises(CannotOpen):
        open_sealed(OPENER, SEALER.seal_key(key_of(TOKEN)), copy, new_id())
    with pytest.raises(CannotOpen):
        open_sealed(
            Opener({3: PrivateKey(bytes(range(1, 33)))}), SEALER.seal_key(key_of(OTHER)), copy, new_id()
        )


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
    assert len(SEALER.seal_key(key_of(TOKEN))) == SEALED_KEY_BYTES == 84


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
