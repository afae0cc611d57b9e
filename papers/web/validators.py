"""Validators of answers (RFC 9110, section 8.8): what they are made of, and since when they have been the same."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from django.core.cache import cache
from django.utils.http import quote_etag

_SEEN_SECONDS = 24 * 60 * 60


def etag_of(data: bytes) -> str:
    """The ETag of a body, quoted."""
    return quote_etag(hashlib.sha256(data).hexdigest()[:32])


def same_since(name: str, etag: str) -> int:
    """Since which second (Unix time) the answer `name` has had this ETag, as far as it was seen.

    No column knows: a vote that is taken back leaves no trace. What the cache has lost counts as changed now. Of two
    answers within a second the later gets the next one, so that no time names two. Names are of a bounded number.
    """
    key = f"answer-since:{hashlib.sha256(name.encode()).hexdigest()}"
    seen: list[Any] | None = cache.get(key)
    if seen is not None and seen[0] == etag:
        return int(seen[1])
    since = max(int(time.time()), int(seen[1]) + 1 if seen else 0)
    cache.set(key, [etag, since], _SEEN_SECONDS)
    return since
