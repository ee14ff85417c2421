"""Read-only figures across domains."""
