"""Background work in PostgreSQL, deferred in the transaction that needs it."""
