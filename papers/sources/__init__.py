"""Where papers come from: one module a source, and the one client that asks them. Knows nothing of Django."""
