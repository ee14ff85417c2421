"""What can go wrong with keys and sealed bytes; none of it ever says what was inside."""


class CannotOpen(Exception):
    """The bytes do not open: unknown key, altered, cut, or sealed for another row."""


class InvalidKey(Exception):
    """A key is missing, malformed or weak; names the setting, never the value."""
