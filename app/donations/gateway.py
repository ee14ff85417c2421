"""What Haven asks of a payment provider: a Protocol, spoken by `stripe_gateway` alone."""
