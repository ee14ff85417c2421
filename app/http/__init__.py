"""What pages and the API share: the wiring of a role, middleware, errors as answers."""
