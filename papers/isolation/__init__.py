"""Strangers' bytes are read in a process of their own, with a deadline and a limit of memory. Pure."""
