"""Two versions of a text, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

from papers.text.formulas import find_formulas

_SPACES = re.compile(r"\s+")
_MOST_WORDS = 800
# SequenceMatcher's time grows with the pairs of equal words: a text that says one word a thousand times has a million.
_MOST_PAIRS = 10_000
_UNLIKE = 0.3


class Side(StrEnum):
    """Where some words stand: in both texts, or in one of them."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class DiffPart(NamedTuple):
    """Consecutive words, a space behind each, and where they stand."""

    side: Side
    text: str


def word_diff(before: str, after: str) -> list[DiffPart] | None:
    """How `after` came out of `before`: its parts in the order of reading, what was removed before what was added.

    A formula counts as one word, so none is cut. The parts but the added ones are `before`, and those but the removed
    ones `after`, apart from their white space. None where the texts share so little, or are so long, that marks would
    only confuse.
    """
    old, new = _words(before), _words(after)
    if max(len(old), len(new)) > _MOST_WORDS or _equal_pairs(old, new) > _MOST_PAIRS:
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if old and new and matcher.ratio() < _UNLIKE:
        return None
    parts: list[DiffPart] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            parts += _part(Side.SAME, old[start:end])
        else:
            parts += _part(Side.REMOVED, old[start:end]) + _part(Side.ADDED, new[new_start:new_end])
    return parts


def around_changes(parts: Sequence[DiffPart], *, words: int) -> list[DiffPart]:
    """`parts` with at most so many unchanged words on each side of a change, and "…" for the others."""
    shown: list[DiffPart] = []
    for place, part in enumerate(parts):
        if part.side is not Side.SAME:
            shown.append(part)
            continue
        found = _words(part.text)
        head = found[:words] if place else []
        tail = found[max(len(found) - words, 0) :] if place < len(parts) - 1 else []
        whole = len(head) + len(tail) >= len(found)
        shown += [part] if whole else _part(Side.SAME, [*head, "…", *tail])
    return shown


def _words(text: str) -> list[str]:
    """The words of `text`; a formula, with what stands close to it, is one."""
    formulas = find_formulas(text)
    formula = next(formulas, None)
    words, start = [], 0
    for space in _SPACES.finditer(text):
        while formula and formula.end <= space.start():
            formula = next(formulas, None)
        if not (formula and formula.start < space.start()):
            words.append(text[start : space.start()])
            start = space.end()
    return [word for word in (*words, text[start:]) if word]


def _equal_pairs(one: Iterable[str], other: Iterable[str]) -> int:
    counts = Counter(other)
    return sum(times * counts[word] for word, times in Counter(one).items())


def _part(side: Side, words: Iterable[str]) -> list[DiffPart]:
    text = "".join(f"{word} " for word in words)
    return [DiffPart(side, text)] if text else []
