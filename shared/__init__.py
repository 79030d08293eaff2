"""What every service stands on: contracts, events, trust. Knows no service."""
