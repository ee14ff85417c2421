"""Tests, in the tree's own shape."""
