"""Idempotency keys as Stripe keeps them (https://docs.stripe.com/api/idempotent_requests)."""

from __future__ import annotations

import hashlib
import json

from devtools.stripe_sim.errors import StripeFault
from devtools.stripe_sim.forms import flatten
from devtools.stripe_sim.kinds import Object
from devtools.stripe_sim.store import Store

_DAY = 86_400
_LONGEST = 255


class Idempotency:
    """What was answered to which key, for a day.

    Args:
        store: Where answers are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[str] = set()

    def begin(self, key: str, path: str, params: Object) -> Object | None:
        """Open a request; gives the saved answer (`status`, `body`, `request_id`) of an earlier one.

        Raises:
            StripeFault: the key is too long, under way (409), or was used for something else (400).
        """
        if len(key) > _LONGEST:
            raise StripeFault("Idempotency keys can be at most 255 characters.", kind="idempotency_error")
        if key in self._running:
            raise StripeFault(
                "There is currently another in-progress request using this Idempotent Key (that probably "
                f"means you submitted twice, and the other request is still going through): {key}. Please "
                "try again later.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        saved = self._store.find("idempotency", key)
        if saved is None or saved["at"] + _DAY <= self._store.now():
            self._running.add(key)
            return None
        if saved["path"] != path:
            raise StripeFault(
                "Keys for idempotent requests can only be used for the same endpoint they were first used "
                f"for ('{path}' vs '{saved['path']}'). Try using a key other than '{key}' if you meant to "
                "execute a different request.",
                kind="idempotency_error",
            )
        if saved["fingerprint"] != fingerprint(params):
            raise StripeFault(
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return saved

    def save(self, key: str, path: str, params: Object, answer: Object) -> None:
        """Keep the answer of a request that was carried out, whether it went well or not."""
        kept = {"path": path, "fingerprint": fingerprint(params), "at": self._store.now()}
        self._store.put("idempotency", key, kept | answer)

    def end(self, key: str) -> None:
        """Close a request; its key may be used again."""
        self._running.discard(key)

    def clear(self) -> None:
        """Forget what is under way."""
        self._running.clear()


def fingerprint(params: Object) -> str:
    """A digest of the parameters in a stable order."""
    return hashlib.sha256(json.dumps(flatten(params)).encode()).hexdigest()
