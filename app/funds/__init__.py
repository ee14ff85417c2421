"""The double-entry book, the only source of money totals."""
