"""The haven command."""
