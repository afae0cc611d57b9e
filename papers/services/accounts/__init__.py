"""Accounts: making, inviting, signing in by link, roles, export and deletion."""
