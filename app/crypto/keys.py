"""Keys as they stand in files and settings: base64url of 32 bytes, refused when weak."""

import base64
import re
from dataclasses import dataclass, field

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random

from app.crypto.errors import InvalidKey

KEY_BYTES = 32

_ALPHABET = re.compile(r"[A-Za-z0-9_-]{43}=?")
_FEWEST_VALUES = 16
"""32 random bytes have fewer different values than this once in far more than 10^15 keys."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """A fresh installation's keys; a repr shows none of them."""

    sealing: bytes = field(repr=False)
    opening: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    form: bytes = field(repr=False)

    def encoded(self) -> dict[str, str]:
        """The keys as settings take them, by the setting's name without its prefix, in lower case."""
        return {
            "sealing_key": encode_key(self.sealing),
            "opening_key": encode_key(self.opening),
            "hash_key": encode_key(self.hash),
            "form_key": encode_key(self.form),
        }


def new_keys() -> KeySet:
    """Fresh random keys: a sealing pair, the hash key and the public role's form key."""
    opening = PrivateKey.generate()
    return KeySet(
        sealing=bytes(opening.public_key),
        opening=bytes(opening),
        hash=random(KEY_BYTES),
        form=random(KEY_BYTES),
    )


def encode_key(key: bytes) -> str:
    """The key as base64url without padding (43 characters)."""
    return base64.urlsafe_b64encode(key).decode("ascii").rstrip("=")


def parse_key(text: str, name: str) -> bytes:
    """The 32 bytes of the key that the setting `name` holds.

    Raises:
        InvalidKey: not base64url of 32 bytes, or no random bytes (zeros, repetition, typed text).
    """
    stripped = text.strip()
    if not stripped:
        raise InvalidKey(f"{name} is not set; `haven keys new` makes one")
    if _ALPHABET.fullmatch(stripped) is None:
        raise InvalidKey(f"{name} must be base64url of {KEY_BYTES} bytes; `haven keys new` makes one")
    key = base64.urlsafe_b64decode(stripped.rstrip("=") + "=")
    if len(set(key)) < _FEWEST_VALUES or key.isascii():
        raise InvalidKey(f"{name} is not random; `haven keys new` makes one that is")
    return key


def parse_sealing_key(text: str, name: str) -> bytes:
    """As `parse_key`, and a point that libsodium will seal to (low-order points are refused)."""
    key = parse_key(text, name)
    try:
        SealedBox(PublicKey(key)).encrypt(b"")
    except (CryptoError, ValueError):
        raise InvalidKey(f"{name} is no public key; `haven keys new` makes a pair") from None
    return key


def public_of(opening: bytes) -> bytes:
    """The sealing key that belongs to an opening key."""
    return bytes(PrivateKey(opening).public_key)
