"""Topics: which papers each has (`matching.py`, `backfilling.py`), made and changed (`editing.py`).

`catch_up` does all that waits; it is found in rows, so that no message and no worker that dies loses any of it.
"""
