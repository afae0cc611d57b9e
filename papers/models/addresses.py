"""Addresses of pages that end with a word: what is in front of it is asked of Django once, as a list has hundreds."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.http import RFC3986_SUBDELIMS

_SAFE = RFC3986_SUBDELIMS + "/~:@"  # in a path, as django.urls has it


def address_of(view: str, *words: str) -> str:
    """As `reverse` with these arguments, the last of which ends the address."""
    return _front_of(view, words[:-1], get_script_prefix()) + quote(words[-1], safe=_SAFE)


@lru_cache(maxsize=1_000)
def _front_of(view: str, before: tuple[str, ...], _script_prefix: str) -> str:
    return reverse(view, args=[*before, "x"])[:-1]
