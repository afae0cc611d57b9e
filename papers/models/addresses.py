"""URLs that differ in their last segment: Django reverses what is in front of it once, as a list has hundreds."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

_SAFE = RFC3986_SUBDELIMS + "/~:@"  # in a path, as django.urls has it


def address_of(view: str, *words: str) -> str:
    """As `reverse(view, args=words)`, for a view whose last argument is the end of its path."""
    return _front_of(view, words[:-1], get_script_prefix()) + quote(words[-1], safe=_SAFE)


@lru_cache(maxsize=1_000)
def _front_of(view: str, before: tuple[str, ...], _script_prefix: str) -> str:
    return reverse(view, args=[*before, "x"])[:-1]
