"""Repeatable measurements of what a reader or an operator waits for: `make bench`."""
