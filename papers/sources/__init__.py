"""Where papers come from: an adapter for each kind of source, in registry.py, and what they share. No Django."""
