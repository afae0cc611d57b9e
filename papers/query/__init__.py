"""The search language: its parser and the tree that it makes. Pure."""
