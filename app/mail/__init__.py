"""Mail as rows: queued in a transaction, rendered and delivered by the worker."""
