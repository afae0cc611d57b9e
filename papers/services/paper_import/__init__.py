"""Papers from files: recognised by content, read with little memory, stored part by part; it goes on after a kill.

Imports nothing, because the processes that store start with Django not set up yet.
"""
