"""What every domain stands on: database, errors, clock, money, tokens, logs."""
