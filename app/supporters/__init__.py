"""Who stands behind signatures and donations, and what they agreed to."""
