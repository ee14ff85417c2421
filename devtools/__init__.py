"""Stand-ins and tools for development: never part of production."""
