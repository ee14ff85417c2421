"""Version 1 of the JSON contract (design §5)."""
