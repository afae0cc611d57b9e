"""Visits to sources: when, how politely, and whether what was announced is stored."""
