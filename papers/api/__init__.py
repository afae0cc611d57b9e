"""What programs ask: addresses that answer with JSON."""
