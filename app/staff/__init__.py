"""People who log in to the admin pages."""
