"""What it knows: how to mark words in HTML that is already safe, and leave tags, entities and formulas alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_PART = re.compile(r"<math\b.*?</math>|<svg\b.*?</svg>|<[^>]*>|&[#\w]+;|\w+(?:\+\+|#(?!\w))?", re.DOTALL)


def words_of(html: str) -> Iterator[str]:
    """The words that are shown, in their order."""
    return (part for part in _PART.findall(html) if _is_word(part))


def mark(html: str, is_meant: Callable[[str], bool]) -> str:
    """`html` with `<mark>` around the words that are meant. Words next to each other share one."""
    marked = _PART.sub(
        lambda part: f"<mark>{part[0]}</mark>" if _is_word(part[0]) and is_meant(part[0]) else part[0], html
    )
    return re.sub(r"</mark>([ -])<mark>", r"\1", marked)


def _is_word(part: str) -> bool:
    return part[0] not in "<&"
