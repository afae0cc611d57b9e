"""Shared lists: rights, entries, pages, feeds, mail."""
