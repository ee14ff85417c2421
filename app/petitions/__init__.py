"""Signatures: from letter to confirmed, counted row."""
