"""Haven: the backend of humanitarian campaigns."""
