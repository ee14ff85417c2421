"""The append-only trail of what staff did."""
