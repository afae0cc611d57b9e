"""Sentences of a text, and the part of one that is worth quoting. Pure, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A full stop ends a sentence where a capital, a digit or a formula follows; "e.g. the" and "et al. show" go on.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9$\\“\"(])")
_ABBREVIATION = re.compile(r"(?:\b(?:[A-Z]|vs|cf|al|resp|Fig|Eq|Sec|Dr|Prof|St|approx|e\.g|i\.e)\.)$")
MAX_QUOTED = 180


def sentences(text: str) -> Iterator[str]:
    """The sentences of `text` in their order, without the space between them."""
    waiting: list[str] = []
    for part in _END.split(text):
        waiting.append(part)
        if not _ABBREVIATION.search(part[-12:]):
            yield " ".join(waiting)
            waiting = []
    if waiting:
        yield " ".join(waiting)


def quoted(sentence: str, start: int, end: int) -> str:
    """A sentence, or as much of it around `start` to `end` as is quickly read, between whole words."""
    if len(sentence) <= MAX_QUOTED:
        return sentence
    room = max(0, MAX_QUOTED - (end - start)) // 2
    first, last = max(0, start - room), min(len(sentence), max(end, start + 1) + room)
    last = min(last, first + 2 * MAX_QUOTED)
    if first:
        space = sentence.find(" ", first, start)
        first = space + 1 if space >= 0 else first
    if last < len(sentence):
        space = sentence.rfind(" ", end, last)
        last = space if space >= 0 else last
    return f"{'… ' if first else ''}{sentence[first:last].strip()}{' …' if last < len(sentence) else ''}"
