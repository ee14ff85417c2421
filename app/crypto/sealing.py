"""Sealing: the public role can write personal data and never read it back.

The bytes are the key's id (4 bytes, big endian), then a libsodium sealed box (X25519, XSalsa20-Poly1305)
of the payload and of the id of the row it belongs to, so that bytes moved to another row do not open there.

A sealed box takes two multiplications on the curve each time, for a key pair that is used once. Whoever
seals for many rows at once makes a `Series`: one such pair for all of them. Then the id's first bit is set,
and the pair's public key and the boxes follow; the nonce is the row's id, which a series takes once only.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from nacl.bindings import (
    crypto_box_beforenm,
    crypto_box_easy_afternm,
    crypto_box_open_easy_afternm,
    crypto_box_SEALBYTES,
)
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from pydantic import JsonValue

from app.crypto.errors import CannotOpen
from app.crypto.payload import pack, unpack

_ID_BYTES = 4
_PUBLIC_BYTES = 32
_SALT_BYTES = 4
_WRAP, _PAD = b"haven:wrap:1", b"haven:wrap:2"
KEY_BYTES = 16
"""Of a key that is kept beside what it opens: 128 bits."""
SEALED_KEY_BYTES = _ID_BYTES + crypto_box_SEALBYTES + KEY_BYTES
WRAPPED_KEY_BYTES = _ID_BYTES + _SALT_BYTES + KEY_BYTES
"""Both as long as nothing else that is sealed: a payload with its row's id takes more."""
_IN_SERIES = 0x80000000
_NONCE_REST = bytes(8)
"""A nonce has 24 bytes, an id 16."""
_SERIES_HELD = 256


class Seals(Protocol):
    """Whatever seals a payload for a row."""

    def seal(self, payload: Mapping[str, JsonValue], binding: UUID) -> bytes:
        """The payload sealed for the row `binding`."""
        ...


class Sealer:
    """Seals to one public key: all that the public role holds."""

    def __init__(self, key_id: int, public_key: bytes) -> None:
        self.key_id = key_id
        self._public_key = public_key
        self._prefix = key_id.to_bytes(_ID_BYTES, "big")
        self._box = SealedBox(PublicKey(public_key))

    def __repr__(self) -> str:
        return f"Sealer(key_id={self.key_id})"

    def seal(self, payload: Mapping[str, JsonValue], binding: UUID) -> bytes:
        """The payload sealed for the row `binding`. Raises ValueError for what is not JSON."""
        return self._prefix + self._box.encrypt(pack({"for": str(binding), "payload": dict(payload)}))

    def series(self) -> "Series":
        """For one batch of rows: as `seal`, by a key pair that all of them share."""
        return Series(self.key_id, self._public_key)

    def seal_key(self, key: bytes, binding: UUID) -> bytes:  # noqa: ARG002 - what it opens tells whose it is
        """The symmetric key of the row `binding`, sealed. Raises ValueError for one of another length."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"A key has {KEY_BYTES} bytes")
        return self._prefix + self._box.encrypt(key)


class OpeningSealer(Sealer):
    """Seals where the opening key is at hand: what it seals to itself needs no public-key arithmetic.

    A row's key is covered by a pad that only the opening key makes (keyed BLAKE2b of salt and row id):
    48 bytes and most of the time are saved. What is altered or moved gives another key, which opens nothing.
    """

    def __init__(self, key_id: int, opening: PrivateKey) -> None:
        super().__init__(key_id, bytes(opening.public_key))
        self._wrapping = _wrapping(opening)

    def seal_key(self, key: bytes, binding: UUID) -> bytes:
        """As `Sealer.seal_key`, shorter."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"A key has {KEY_BYTES} bytes")
        salt = secrets.token_bytes(_SALT_BYTES)
        return self._prefix + salt + _covered(key, self._wrapping, salt, binding)


class Series:
    """Seals for many rows by one key pair; use it for one batch and let it go, its secret with it."""

    def __init__(self, key_id: int, public_key: bytes) -> None:
        own = PrivateKey.generate()
        self._prefix = (key_id | _IN_SERIES).to_bytes(_ID_BYTES, "big") + bytes(own.public_key)
        self._shared = crypto_box_beforenm(public_key, bytes(own))
        self._taken: set[UUID] = set()

    def __repr__(self) -> str:
        return f"Series({len(self._taken)} sealed)"

    def seal(self, payload: Mapping[str, JsonValue], binding: UUID) -> bytes:
        """The payload sealed for the row `binding`.

        Raises:
            ValueError: It is not JSON, or this series has sealed for that row: a nonce is good once.
        """
        if binding in self._taken:
            raise ValueError("A series seals once for a row")
        packed = pack(payload)
        self._taken.add(binding)
        return self._prefix + crypto_box_easy_afternm(packed, binding.bytes + _NONCE_REST, self._shared)


class Opener:
    """Opens what was sealed to any of the keys it is given, old ones included."""

    def __init__(self, keys: Mapping[int, PrivateKey]) -> None:
        self._keys = {key_id: bytes(key) for key_id, key in keys.items()}
        self._boxes = {key_id: SealedBox(key) for key_id, key in keys.items()}
        # Rows of one series are read together, or nearly: mails.
        self._series: OrderedDict[bytes, bytes] = OrderedDict()
        self._wrappings = {key_id: _wrapping(key) for key_id, key in keys.items()}

    def __repr__(self) -> str:
        return f"Opener(key_ids={sorted(self._boxes)})"

    def open(self, sealed: bytes, binding: UUID) -> dict[str, JsonValue]:
        """The payload that was sealed for the row `binding`.

        Raises:
            CannotOpen: unknown key, altered or cut bytes, or bytes of another row.
        """
        key_id = key_id_of(sealed)
        if key_id not in self._boxes:
            raise CannotOpen(f"Sealed to key {key_id}, which is not here")
        if sealed[0] & 0x80:
            return unpack(self._open_of_series(bytes(sealed), key_id, binding))
        inside = unpack(self._plaintext(sealed))
        payload = inside.get("payload")
        if inside.get("for") != str(binding) or not isinstance(payload, dict):
            raise CannotOpen("Sealed for another row")
        return payload

    def open_key(self, sealed: bytes, binding: UUID) -> bytes:
        """The key that was sealed for the row `binding`; whether it is one, what it opens will tell.

        Raises:
            CannotOpen: as `open`.
        """
        if len(sealed) == WRAPPED_KEY_BYTES:
            wrapping = self._wrappings.get(key_id_of(sealed))
            if wrapping is None:
                raise CannotOpen(f"Sealed to key {key_id_of(sealed)}, which is not here")
            salt, covered = bytes(sealed[_ID_BYTES:-KEY_BYTES]), bytes(sealed[-KEY_BYTES:])
            return _covered(covered, wrapping, salt, binding)
        return self._plaintext(sealed)

    def _plaintext(self, sealed: bytes) -> bytes:
        box = self._boxes.get(key_id_of(sealed))
        if box is None:
            raise CannotOpen(f"Sealed to key {key_id_of(sealed)}, which is not here")
        try:
            return box.decrypt(bytes(sealed[_ID_BYTES:]))
        except (CryptoError, ValueError, TypeError):
            raise CannotOpen("Altered, or sealed to another key") from None

    def _open_of_series(self, sealed: bytes, key_id: int, binding: UUID) -> bytes:
        start = _ID_BYTES + _PUBLIC_BYTES
        try:
            shared = self._shared(sealed[:start], key_id)
            return crypto_box_open_easy_afternm(sealed[start:], binding.bytes + _NONCE_REST, shared)
        except (CryptoError, ValueError, TypeError):
            raise CannotOpen("Altered, or sealed to another key or for another row") from None

    def _shared(self, prefix: bytes, key_id: int) -> bytes:
        shared = self._series.get(prefix)
        if shared is None:
            shared = crypto_box_beforenm(prefix[_ID_BYTES:], self._keys[key_id])
            self._series[prefix] = shared
            while len(self._series) > _SERIES_HELD:
                self._series.popitem(last=False)
        return shared


def _wrapping(opening: PrivateKey) -> bytes:
    return hashlib.blake2b(key=bytes(opening), digest_size=32, person=_WRAP).digest()


def _covered(key: bytes, wrapping: bytes, salt: bytes, binding: UUID) -> bytes:
    """Covers, and uncovers."""
    pad = hashlib.blake2b(salt + binding.bytes, key=wrapping, digest_size=KEY_BYTES, person=_PAD).digest()
    return (int.from_bytes(key, "big") ^ int.from_bytes(pad, "big")).to_bytes(KEY_BYTES, "big")


def key_id_of(sealed: bytes) -> int:
    """The id of the key that the bytes were sealed to. Raises CannotOpen when they are too short."""
    if len(sealed) <= _ID_BYTES:
        raise CannotOpen("Too short to be sealed")
    return int.from_bytes(sealed[:_ID_BYTES], "big") & ~_IN_SERIES
