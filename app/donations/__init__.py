"""Donations: from intent to settled money."""
