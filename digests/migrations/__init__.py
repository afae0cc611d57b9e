"""The tables of digests, release by release."""
