"""How to mark words in HTML that is already safe, and leave tags, entities and formulas alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

_NOT_SHOWN = r"<math\b.*?</math>|<svg\b.*?</svg>|<[^>]*>|&[#\w]+;"
_HYPHEN = "[-‐‑–]"
_PART = re.compile(rf"{_NOT_SHOWN}|\w+(?:\+\+|#(?!\w))?", re.DOTALL)
# Words joined by hyphens; of a longer chain none is looked for as a whole.
_COMPOUND = re.compile(rf"{_NOT_SHOWN}|(?<!\w)(?:\w++{_HYPHEN})+\w+", re.DOTALL)
_MOST_HYPHENS = 4


def visible_words(texts: Iterable[str]) -> set[str]:
    """The words that are shown in some HTML."""
    parts = {part for html in texts for part in _PART.findall(html)}
    return {part for part in parts if part[0] not in "<&"}


def visible_compounds(texts: Iterable[str]) -> set[str]:
    """The words with hyphens that are shown in some HTML, whole."""
    parts = {part for html in texts for part in _COMPOUND.findall(html)}
    return {part for part in parts if part[0] not in "<&" and len(re.findall(_HYPHEN, part)) <= _MOST_HYPHENS}


def highlight(html: str, meant: Collection[str]) -> str:
    """`html` with `<mark>` around the words that are meant. Words next to each other share one."""
    if not any(word in html for word in meant):
        return html
    marked = _among_all_else(frozenset(meant)).sub(_marked, html)
    return re.sub(r"</mark>([ -])<mark>", r"\1", marked)


@lru_cache(maxsize=16)
def _among_all_else(meant: frozenset[str]) -> re.Pattern[str]:
    """Finds the words that are meant, and what is to be passed over whole; other words are not looked at one by one."""
    words = "|".join(re.escape(word) + _end_of(word) for word in sorted(meant, key=len, reverse=True))
    return re.compile(rf"{_NOT_SHOWN}|\b(?:{words})", re.DOTALL)


def _end_of(word: str) -> str:
    """Where a word ends: C is not the beginning of Cell, C++ or C#."""
    return {"+": "", "#": r"(?!\w)"}.get(word[-1], r"(?!\w|\+\+|#(?!\w))")


def _marked(part: re.Match[str]) -> str:
    return part[0] if part[0][0] in "<&" else f"<mark>{part[0]}</mark>"
