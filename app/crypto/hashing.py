"""Keyed hashes: how people are compared without being kept in clear.

HMAC-SHA256 under subkeys that are derived from the installation's hash key by purpose and campaign
(HKDF-Expand, RFC 5869 §2.3, for one block), so that hashes of two campaigns, or of a name and a place, never
match. The public role does not hold the key.
"""

import base64
import hmac
from datetime import date
from uuid import UUID

from app.core.tokens import TOKEN_BYTES
from app.crypto.errors import InvalidKey
from app.crypto.keys import KEY_BYTES

_LABEL = b"haven:hash:1"
_EVERYWHERE = 0


class Hasher:
    """Makes every keyed hash and derived token, the same for the same input.

    32 bytes, but for those that every signature holds: 16 where they decide who somebody is, 8 where they
    are one sign among others. Nobody without the key can tell what hashes to what, however short it is.
    """

    def __init__(self, hash_key: bytes, key_version: int = 1) -> None:
        if len(hash_key) != KEY_BYTES:
            raise InvalidKey(f"The hash key must have {KEY_BYTES} bytes")
        self._key = hash_key
        self.key_version = key_version
        self._subkeys: dict[tuple[str, int], bytes] = {}

    def __repr__(self) -> str:
        return f"Hasher(key_version={self.key_version})"

    def supporter(self, campaign_id: int, folded: str) -> UUID:
        """Who this is within one campaign, by the folded address: 128 bits."""
        return UUID(bytes=self._hash("email", campaign_id, folded)[:16])

    def name(self, campaign_id: int, folded: str) -> bytes:
        """The folded name, to tell two people at one address apart: 16 bytes."""
        return self._hash("name", campaign_id, folded)[:16]

    def place(self, campaign_id: int, folded: str) -> bytes:
        """The folded country and postcode, to tell whether two share a place: 8 bytes."""
        return self._hash("place", campaign_id, folded)[:8]

    def suppression(self, folded: str) -> bytes:
        """The folded address across campaigns: used only to not write to somebody."""
        return self._hash("suppression", _EVERYWHERE, folded)

    def network(self, prefix: str, period: date) -> bytes:
        """A client's network for one period; the next period's hash of it is another."""
        return self._hash("network", _EVERYWHERE, f"{period.isoformat()} {prefix}")

    def domain(self, domain: str) -> bytes:
        """An address's domain, to count and find what came from it."""
        return self._hash("domain", _EVERYWHERE, domain)

    def login(self, subject: str) -> bytes:
        """Whose attempts to log in are counted: a staff address or a network, known here or not."""
        return self._hash("login", _EVERYWHERE, subject)

    def link_token(self, signature_id: UUID, version: int) -> str:
        """The one token of a signature: the worker can make it again, nobody else can."""
        message = signature_id.bytes + version.to_bytes(4, "big")
        digest = hmac.digest(self._subkey("link", _EVERYWHERE), message, "sha256")
        return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).decode("ascii")

    def _hash(self, purpose: str, campaign_id: int, folded: str) -> bytes:
        return hmac.digest(self._subkey(purpose, campaign_id), folded.encode(), "sha256")

    def _subkey(self, purpose: str, campaign_id: int) -> bytes:
        known = self._subkeys.get((purpose, campaign_id))
        if known is None:
            info = b"\0".join((_LABEL, purpose.encode("ascii"), campaign_id.to_bytes(8, "big")))
            known = hmac.digest(self._key, info + b"\x01", "sha256")
            self._subkeys[purpose, campaign_id] = known
        return known
