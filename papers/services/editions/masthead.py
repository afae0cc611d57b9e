"""What stands above the daily papers: who curates them, and which categories the group follows. Cached for a minute."""

from __future__ import annotations

from django.core.cache import cache

from papers.models import Source, User

_CURATORS_KEY = "curators"
_CATEGORIES_KEY = "chosen-categories"
_CACHED_SECONDS = 60
_MOST_CURATORS = 3
_MOST_CATEGORIES = 24


def curator_names() -> list[str]:
    """The first curators' names, for the masthead. One cached read."""
    names: list[str] | None = cache.get(_CURATORS_KEY)
    if names is None:
        curators = User.objects.filter(is_curator=True, is_active=True).order_by("pk")
        names = list(curators.values_list("username", flat=True)[:_MOST_CURATORS])
        cache.set(_CURATORS_KEY, names, _CACHED_SECONDS)
    return names


def chosen_categories() -> list[str]:
    """The arXiv categories that the group follows. One cached read."""
    codes: list[str] | None = cache.get(_CATEGORIES_KEY)
    if codes is None:
        chosen = Source.objects.announcing().values_list("categories", flat=True)
        codes = list(dict.fromkeys(code for categories in chosen for code in categories))[:_MOST_CATEGORIES]
        cache.set(_CATEGORIES_KEY, codes, _CACHED_SECONDS)
    return codes
