"""Sealing personal data, keyed hashes, and the supporter's own copy."""
