"""The stamp of what visitors see: pages kept for them carry it, and a change that they must see at once renews it.

It is in the cache, beside the pages that carry it: when the cache is lost, both are.
"""

from __future__ import annotations

from uuid import uuid4

from django.core.cache import cache
from django.db import transaction

STAMP_KEY = "visitors-stamp"
_SECONDS = 24 * 60 * 60


def invalidate_page_cache() -> None:
    """Once this transaction is committed, let no visitor see what was true before it."""
    transaction.on_commit(lambda: cache.set(STAMP_KEY, uuid4().hex, _SECONDS))
