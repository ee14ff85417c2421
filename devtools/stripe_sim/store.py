"""What the simulator remembers, in memory and, when told where, in an SQLite file.

Whoever changes an object calls `put`; `flush` writes what changed in one transaction, before the answer goes
out, so that neither a restart nor a kill loses anything that was acknowledged.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from devtools.stripe_sim.errors import missing
from devtools.stripe_sim.kinds import Object

PREFIXES = {
    "checkout.session": "cs_test_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "balance_transaction": "txn_",
    "refund": "re_",
    "payment_method": "pm_",
    "event": "evt_",
    "product": "prod_",
}


class Store:
    """Buckets of JSON by identifier, in the order of creation."""

    def __init__(self, path: Path | None = None) -> None:
        self.buckets: dict[str, dict[str, Object]] = {}
        self._dirty: dict[tuple[str, str], bool] = {}
        self._database = _open(path) if path else None
        if self._database:
            self._load(self._database)

    def now(self) -> int:
        """Seconds since 1970, moved on by whatever `POST /_sim/clock` said."""
        offset: int = self.setting("clock", {"offset": 0})["offset"]
        return int(time.time()) + offset

    def put(self, bucket: str, key: str, body: Object) -> Object:
        """Keep a new or changed body."""
        self.buckets.setdefault(bucket, {})[key] = body
        self._dirty[(bucket, key)] = True
        return body

    def save(self, body: Object) -> Object:
        """Keep one of Stripe's objects under its own kind and id."""
        return self.put(body["object"], body["id"], body)

    def drop(self, bucket: str, key: str) -> None:
        """Forget a body, if it is there."""
        if self.buckets.get(bucket, {}).pop(key, None) is not None:
            self._dirty[(bucket, key)] = False

    def all(self, bucket: str) -> dict[str, Object]:
        """A bucket, oldest first."""
        return self.buckets.get(bucket, {})

    def find(self, kind: str, object_id: str) -> Object | None:
        """One body, or None."""
        return self.buckets.get(kind, {}).get(object_id)

    def get(self, kind: str, object_id: str, param: str = "id") -> Object:
        """One of Stripe's objects; raises `resource_missing`."""
        found = self.find(kind, object_id)
        if found is None:
            raise missing(kind, object_id, param)
        return found

    def by_id(self, object_id: str) -> Object | None:
        """One of Stripe's objects by an id of any kind."""
        for kind, prefix in PREFIXES.items():
            if object_id.startswith(prefix):
                return self.find(kind, object_id)
        return None

    def setting(self, name: str, default: Object) -> Object:
        """A setting changed at run time, or its default."""
        return self.find("setting", name) or default

    def flush(self) -> None:
        """Write what changed."""
        dirty, self._dirty = self._dirty, {}
        if self._database is None or not dirty:
            return
        with self._database as transaction:
            for (bucket, key), kept in dirty.items():
                if kept:
                    body = json.dumps(self.buckets[bucket][key], separators=(",", ":"))
                    transaction.execute(
                        "INSERT INTO bodies (bucket, key, body) VALUES (?, ?, ?) "
                        "ON CONFLICT (bucket, key) DO UPDATE SET body = excluded.body",
                        (bucket, key, body),
                    )
                else:
                    transaction.execute("DELETE FROM bodies WHERE bucket = ? AND key = ?", (bucket, key))

    def clear(self) -> None:
        """Forget everything."""
        self.buckets, self._dirty = {}, {}
        if self._database:
            with self._database as transaction:
                transaction.execute("DELETE FROM bodies")

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        if self._database:
            self._database.close()
            self._database = None

    def _load(self, database: sqlite3.Connection) -> None:
        for bucket, key, body in database.execute("SELECT bucket, key, body FROM bodies ORDER BY seq"):
            self.buckets.setdefault(bucket, {})[key] = json.loads(body)


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS bodies ("
        "seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, "
        "UNIQUE (bucket, key))"
    )
    database.commit()
    return database
