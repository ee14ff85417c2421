"""The inside of sealed bytes: canonical JSON, padded so that a length tells little."""

import json
from collections.abc import Mapping

from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError
from pydantic import JsonValue

from app.crypto.errors import CannotOpen

BLOCK = 32
"""Bytes. Ann and Aleksandra seal to the same length; a long comment still shows as long."""


def pack(payload: Mapping[str, JsonValue]) -> bytes:
    """Canonical JSON (sorted keys, no spaces, UTF-8) padded to a multiple of BLOCK (ISO/IEC 7816-4).

    Raises ValueError, without the data, for what JSON or UTF-8 cannot hold (NaN, lone surrogates).
    """
    try:
        text = json.dumps(
            dict(payload), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        return sodium_pad(text.encode(), BLOCK)
    except (TypeError, ValueError):
        pass
    raise ValueError("This cannot be sealed: it is not JSON in UTF-8")


def unpack(plaintext: bytes) -> dict[str, JsonValue]:
    """What `pack` was given. Raises CannotOpen."""
    try:
        payload = json.loads(sodium_unpad(plaintext, BLOCK))
    except (CryptoError, ValueError):
        payload = None
    if not isinstance(payload, dict):
        raise CannotOpen("Sealed bytes that hold no payload")
    return payload
