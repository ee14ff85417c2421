"""Bearer tokens: what a link in a mail carries, and the hash that alone is stored."""

import hashlib
import re
import secrets

TOKEN_BYTES = 24
"""192 bits: far above the 128 that guessing could ever threaten, and 32 characters without padding."""

LINK_HASH_BYTES = 16

_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")


def new_token() -> str:
    """A fresh random token of 32 URL-safe characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """The SHA-256 under which a token is stored (32 bytes).

    Tokens are random and long, so a plain hash cannot be reversed. Any string is taken, also one that
    could never be a token: it then simply matches no row.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def link_hash(token: str) -> bytes:
    """The hash under which a signature's link is stored: 16 bytes, for there are millions of them.

    128 bits of SHA-256 of a token of 192 random bits: to find any token for a given hash takes 2^128 tries,
    and it would open nothing, since the key to the details is made of the token itself.
    """
    return hash_token(token)[:LINK_HASH_BYTES]


def well_formed(token: str) -> bool:
    """Whether the text has a token's shape, so that what has not can be refused without a query."""
    return _SHAPE.fullmatch(token) is not None
