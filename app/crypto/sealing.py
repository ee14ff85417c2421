"""Sealing: the public role can write personal data and never read it back.

The bytes are the key's id (4 bytes, big endian), then a libsodium sealed box (X25519, XSalsa20-Poly1305)
of the payload and of the id of the row it belongs to, so that bytes moved to another row do not open there.
"""

from collections.abc import Mapping
from uuid import UUID

from nacl.bindings import crypto_box_SEALBYTES
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from pydantic import JsonValue

from app.crypto.errors import CannotOpen
from app.crypto.payload import pack, unpack

_ID_BYTES = 4
_KEY_BYTES = 32
SEALED_KEY_BYTES = _ID_BYTES + crypto_box_SEALBYTES + _KEY_BYTES
"""As long as nothing else that is sealed: a payload with its row's id takes more."""


class Sealer:
    """Seals to one public key: all that the public role holds."""

    def __init__(self, key_id: int, public_key: bytes) -> None:
        self.key_id = key_id
        self._prefix = key_id.to_bytes(_ID_BYTES, "big")
        self._box = SealedBox(PublicKey(public_key))

    def __repr__(self) -> str:
        return f"Sealer(key_id={self.key_id})"

    def seal(self, payload: Mapping[str, JsonValue], binding: UUID) -> bytes:
        """The payload sealed for the row `binding`. Raises ValueError for what is not JSON."""
        return self._prefix + self._box.encrypt(pack({"for": str(binding), "payload": dict(payload)}))

    def seal_key(self, key: bytes) -> bytes:
        """A symmetric key of 32 bytes, sealed. What it opens tells which row it belongs to."""
        if len(key) != _KEY_BYTES:
            raise ValueError(f"A key has {_KEY_BYTES} bytes")
        return self._prefix + self._box.encrypt(key)


class Opener:
    """Opens what was sealed to any of the keys it is given, old ones included."""

    def __init__(self, keys: Mapping[int, PrivateKey]) -> None:
        self._boxes = {key_id: SealedBox(key) for key_id, key in keys.items()}

    def __repr__(self) -> str:
        return f"Opener(key_ids={sorted(self._boxes)})"

    def open(self, sealed: bytes, binding: UUID) -> dict[str, JsonValue]:
        """The payload that was sealed for the row `binding`.

        Raises:
            CannotOpen: unknown key, altered or cut bytes, or bytes of another row.
        """
        inside = unpack(self._plaintext(sealed))
        payload = inside.get("payload")
        if inside.get("for") != str(binding) or not isinstance(payload, dict):
            raise CannotOpen("Sealed for another row")
        return payload

    def open_key(self, sealed: bytes) -> bytes:
        """The key that was sealed. Raises CannotOpen as `open`."""
        key = self._plaintext(sealed)
        if len(key) != _KEY_BYTES:
            raise CannotOpen("Sealed bytes that hold no key")
        return key

    def _plaintext(self, sealed: bytes) -> bytes:
        box = self._boxes.get(key_id_of(sealed))
        if box is None:
            raise CannotOpen(f"Sealed to key {key_id_of(sealed)}, which is not here")
        try:
            return box.decrypt(bytes(sealed[_ID_BYTES:]))
        except (CryptoError, ValueError, TypeError):
            raise CannotOpen("Altered, or sealed to another key") from None


def key_id_of(sealed: bytes) -> int:
    """The id of the key that the bytes were sealed to. Raises CannotOpen when they are too short."""
    if len(sealed) <= _ID_BYTES:
        raise CannotOpen("Too short to be sealed")
    return int.from_bytes(sealed[:_ID_BYTES], "big")
