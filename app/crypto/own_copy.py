"""The supporter's own copy: what `/my/{token}` shows, readable by whoever holds the token and nobody else.

Encrypted (libsodium secretbox, random nonce) under a key derived from the token. The database holds the
token's SHA-256 and these bytes; neither leads to the key.
"""

import hashlib
from collections.abc import Mapping

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from pydantic import JsonValue

from app.core.tokens import well_formed
from app.crypto.errors import CannotOpen
from app.crypto.payload import pack, unpack

_VERSION = b"\x01"
_PERSON = b"haven:own-copy:1"


def encrypt(token: str, payload: Mapping[str, JsonValue]) -> bytes:
    """The payload for the holder of the token. Raises ValueError for a malformed token or no JSON."""
    if not well_formed(token):
        raise ValueError("Only a whole token makes a key")
    return _VERSION + bytes(_box(token).encrypt(pack(payload)))


def decrypt(token: str, blob: bytes) -> dict[str, JsonValue]:
    """What was encrypted for that token. Raises CannotOpen for any other token or altered bytes."""
    if not well_formed(token) or blob[:1] != _VERSION:
        raise CannotOpen("Not an own copy, or not a token")
    try:
        plaintext = _box(token).decrypt(bytes(blob[1:]))
    except (CryptoError, ValueError, TypeError):
        raise CannotOpen("Altered, or for another token") from None
    return unpack(plaintext)


def _box(token: str) -> SecretBox:
    # A token has 192 random bits: a fast hash is enough, there is nothing to guess.
    return SecretBox(hashlib.blake2b(token.encode("ascii"), digest_size=32, person=_PERSON).digest())
