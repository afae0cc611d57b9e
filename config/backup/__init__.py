"""Backups: the whole database and the site's key in one file, which any later Broadsheet can restore."""
