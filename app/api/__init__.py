"""The JSON contract under /api/v1 and Stripe's webhook."""
