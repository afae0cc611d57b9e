"""Fetches of sources and look-ups of papers: when, how often, and whether all that was announced is here."""
