"""Importing a reader's library: a file becomes a draft, the draft is applied, and workers fetch what is not here."""
