"""Pages for readers, donors and staff."""
