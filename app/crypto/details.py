"""A person's details, kept once: encrypted under a key that the link's token leads to.

`own_copy` is the details under that key (XSalsa20-Poly1305, a fresh salt each time); `details_sealed` is the
key itself, sealed to the installation. So whoever holds the link reads them, and so does whoever holds the
opening key; the database, or the public role by itself, does not. A key opens its own row's copy alone.

Rows from before hold the details twice: sealed as JSON, and as an own copy of the first kind. Both are read.
"""

import hashlib
import secrets
from collections.abc import Mapping
from uuid import UUID

from nacl.bindings import crypto_secretbox, crypto_secretbox_open, sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError

from app.core.tokens import well_formed
from app.crypto import own_copy
from app.crypto.errors import CannotOpen
from app.crypto.sealing import KEY_BYTES, SEALED_KEY_BYTES, WRAPPED_KEY_BYTES, Opener

FIELDS = ("name", "email", "postcode", "country")
"""In this order, with a NUL between: names of fields would take more than most of what they name."""

_VERSION = b"\x02"
_BLOCK = 16
"""Bytes. Lengths of name, address and postcode together show to within sixteen."""
_SALT_BYTES = 8
_NO_NONCE = bytes(24)
"""Each key is used once: it is made from a salt of its own."""
_KEY = b"haven:details:1"
_COPY = b"haven:details:2"


def key_of(token: str) -> bytes:
    """The 16 bytes that a token leads to. Raises ValueError for what is no token."""
    if not well_formed(token):
        raise ValueError("Only a whole token makes a key")
    # A token has 192 random bits: a fast hash is enough, there is nothing to guess.
    return hashlib.blake2b(token.encode("ascii"), digest_size=KEY_BYTES, person=_KEY).digest()


def encrypt(key: bytes, details: Mapping[str, str]) -> bytes:
    """Details for the holder of the key, padded so that a length tells little.

    Raises ValueError, without the data, for what UTF-8 cannot hold, and for a NUL in a field.
    """
    fields = [details.get(name) or "" for name in FIELDS]
    if any("\0" in field for field in fields):
        raise ValueError("A field cannot hold a NUL")
    try:
        plain = sodium_pad("\0".join(fields).encode(), _BLOCK)
    except UnicodeError:
        raise ValueError("This is no text in UTF-8") from None
    salt = secrets.token_bytes(_SALT_BYTES)
    return _VERSION + salt + crypto_secretbox(plain, _NO_NONCE, _salted(key, salt))


def decrypt(token: str, blob: bytes) -> dict[str, str]:
    """What the holder of the token may see. Raises CannotOpen for any other token, or altered bytes."""
    if blob[:1] != _VERSION:
        return {key: str(value or "") for key, value in own_copy.decrypt(token, blob).items()}
    try:
        return _decrypt(key_of(token), blob)
    except ValueError:
        raise CannotOpen("Not an own copy, or not a token") from None


def open_sealed(opener: Opener, sealed: bytes, copy: bytes, binding: UUID) -> dict[str, str]:
    """What the installation may see of the row `binding`. Raises CannotOpen."""
    if len(sealed) in (WRAPPED_KEY_BYTES, SEALED_KEY_BYTES):
        return _decrypt(opener.open_key(sealed, binding), copy)
    return {key: str(value or "") for key, value in opener.open(sealed, binding).items()}


def read_name(opener: Opener, sealed: bytes | None, copy: bytes | None, binding: UUID) -> str:
    """The name in the row `binding`; empty where nothing is held, or what is held does not open.

    For whoever reads through many: the public role writes copies, so one that it spoilt must stop nobody.
    """
    if sealed is None or copy is None:
        return ""
    try:
        return open_sealed(opener, sealed, copy, binding).get("name", "")
    except CannotOpen:
        return ""


def is_of_first_kind(copy: bytes | None) -> bool:
    """Whether a copy is from before keys were kept instead of details: none leads to what is in it."""
    return copy is not None and copy[:1] != _VERSION


def _decrypt(key: bytes, blob: bytes) -> dict[str, str]:
    salt, box = bytes(blob[1 : 1 + _SALT_BYTES]), bytes(blob[1 + _SALT_BYTES :])
    if blob[:1] != _VERSION or len(salt) < _SALT_BYTES:
        raise CannotOpen("Not an own copy")
    try:
        plain = sodium_unpad(crypto_secretbox_open(box, _NO_NONCE, _salted(key, salt)), _BLOCK)
        return dict(zip(FIELDS, plain.decode().split("\0"), strict=True))
    except (CryptoError, ValueError, TypeError):
        raise CannotOpen("Altered, or for another key") from None


def _salted(key: bytes, salt: bytes) -> bytes:
    return hashlib.blake2b(key=key, salt=salt, digest_size=32, person=_COPY).digest()
