"""Shared lists: who may do what with one, what is on it and in which order, and what became of it."""
