"""What programs ask for: answers in JSON, errors as problems (RFC 9457)."""
