"""What it knows: how to mark words in HTML that is already safe, and leave tags, entities and formulas alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_PART = re.compile(r"<math\b.*?</math>|<svg\b.*?</svg>|<[^>]*>|&[#\w]+;|\w+(?:\+\+|#(?!\w))?", re.DOTALL)


def words_of(html: str) -> Iterator[str]:
    """The words that are shown, in their order."""
    return (part for part in _PART.findall(html) if _is_word(part))


def mark(html: str, meant: Collection[str]) -> str:
    """`html` with `<mark>` around the words that are meant. Words next to each other share one."""
    if not any(word in html for word in meant):
        return html
    marked = _PART.sub(lambda part: f"<mark>{part[0]}</mark>" if part[0] in meant else part[0], html)
    return re.sub(r"</mark>([ -])<mark>", r"\1", marked)


def _is_word(part: str) -> bool:
    return part[0] not in "<&"
