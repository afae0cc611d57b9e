"""What stands above the daily papers: who curates them, and which categories the group follows. Kept for a minute."""

from __future__ import annotations

import time

from django.core.cache import cache

from papers.models import Source, User
from papers.process_memory import ProcessMemory

_CATEGORIES_KEY = "chosen-categories"
_CACHED_SECONDS = 60
_MOST_CURATORS = 3
_MOST_CATEGORIES = 24
_here: ProcessMemory[str, tuple[list[str], float]] = ProcessMemory(10_000)
"""The names, and until when they hold by the clock that nobody sets."""


def curator_names() -> list[str]:
    """The first curators' names, for the masthead; as they were a minute ago at most. One query, mostly none."""
    kept = _here.get("curators")
    if kept is not None and time.monotonic() < kept[1]:
        return kept[0]
    curators = User.objects.filter(is_curator=True, is_active=True).order_by("pk")
    names = list(curators.values_list("username", flat=True)[:_MOST_CURATORS])
    _here.put("curators", (names, time.monotonic() + _CACHED_SECONDS), 1_000)
    return names


def chosen_categories() -> list[str]:
    """The arXiv categories that the group follows. One cached read."""
    codes: list[str] | None = cache.get(_CATEGORIES_KEY)
    if codes is None:
        chosen = Source.objects.announcing().values_list("categories", flat=True)
        codes = list(dict.fromkeys(code for categories in chosen for code in categories))[:_MOST_CATEGORIES]
        cache.set(_CATEGORIES_KEY, codes, _CACHED_SECONDS)
    return codes
