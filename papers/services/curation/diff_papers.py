"""Two papers side by side: what each says, field by field, and which words differ. No queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from papers.models import Paper

_WORDS = re.compile(r"\S+\s*")
_MOST_WORDS = 400
_UNLIKE = 0.3
"""Of texts that share less, each word would be marked: none is."""
_LONG_WORDS = 40


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """Some words, and whether the other side has them, too."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field of two papers."""

    label: str
    left: list[DiffPiece]
    right: list[DiffPiece]
    is_same: bool
    is_dissimilar: bool = False
    """They share so little that no word is marked."""
    is_long: bool = False
    """Where both say the same, it is read on demand."""


def diff_papers(one: Paper, other: Paper) -> list[FieldDiff]:
    """Every field that one of them has."""
    fields = [
        ("Title", one.title, other.title),
        ("Authors", _authors(one), _authors(other)),
        ("Abstract", one.abstract, other.abstract),
        ("Published", _date(one), _date(other)),
        ("DOI", one.doi, other.doi),
        ("Journal", one.journal_ref, other.journal_ref),
        ("Organization", one.organization, other.organization),
    ]
    return [diff_texts(label, mine, theirs) for label, mine, theirs in fields if mine or theirs]


def diff_texts(label: str, left: str, right: str) -> FieldDiff:
    """Two texts, word by word."""
    mine, theirs = _words(left), _words(right)
    matcher = SequenceMatcher(None, [w.strip() for w in mine], [w.strip() for w in theirs], autojunk=False)
    lefts: list[DiffPiece] = []
    rights: list[DiffPiece] = []
    is_dissimilar = bool(mine and theirs) and matcher.ratio() < _UNLIKE
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        is_marked = tag != "equal" and not is_dissimilar
        lefts += _piece(mine[start:end], is_changed=is_marked)
        rights += _piece(theirs[other_start:other_end], is_changed=is_marked)
    return FieldDiff(
        label, lefts, rights, left.split() == right.split(), is_dissimilar, max(len(mine), len(theirs)) > _LONG_WORDS
    )


def _piece(words: Iterable[str], *, is_changed: bool) -> list[DiffPiece]:
    text = "".join(words)
    return [DiffPiece(text, is_changed)] if text else []


def _words(text: str) -> list[str]:
    words = _WORDS.findall(text)
    return words if len(words) <= _MOST_WORDS else [*words[:_MOST_WORDS], "…"]


def _authors(paper: Paper) -> str:
    names = ", ".join(author["name"] for author in paper.authors[:20])
    return f"{names} and {len(paper.authors) - 20} more" if len(paper.authors) > 20 else names


def _date(paper: Paper) -> str:
    return paper.published_at.date().isoformat() if paper.published_at else ""
