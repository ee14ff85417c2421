"""A load generator: people who sign and confirm, and a record of every answer they got."""
