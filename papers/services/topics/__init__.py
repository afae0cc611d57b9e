"""Topics: which papers each has (`matching.py`, `backfilling.py`), made and changed (`editing.py`).

`catch_up` does all that waits; it is found in rows, so that no message and no worker that dies loses any of it.
"""

from papers.services.news import NEWS
from papers.services.topics.backfilling import backfill_pending
from papers.services.topics.catching_up import CaughtUp, catch_up, is_behind
from papers.services.topics.matching import Matched, match_waiting

__all__ = ["NEWS", "CaughtUp", "Matched", "backfill_pending", "catch_up", "is_behind", "match_waiting"]
