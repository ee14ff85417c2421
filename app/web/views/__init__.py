"""What each public page shows: one frozen dataclass a page, filled by a route, read by one template."""
