"""Two papers side by side: what each says, field by field, and which words differ. No queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from papers.models import Paper
from papers.text.word_diff import DiffPart, Side, word_diff

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
    parts = word_diff(left, right)
    is_long = max(len(left.split()), len(right.split())) > _LONG_WORDS
    is_same = left.split() == right.split()
    if parts is None:
        return FieldDiff(label, _whole(left), _whole(right), is_same, is_dissimilar=True, is_long=is_long)
    return FieldDiff(label, _pieces(parts, Side.REMOVED), _pieces(parts, Side.ADDED), is_same, is_long=is_long)


def _pieces(parts: Iterable[DiffPart], own: Side) -> list[DiffPiece]:
    return [DiffPiece(part.text, part.side is own) for part in parts if part.side in (own, Side.SAME)]


def _whole(text: str) -> list[DiffPiece]:
    return [DiffPiece(text, is_changed=False)] if text else []


def _authors(paper: Paper) -> str:
    names = ", ".join(author["name"] for author in paper.authors[:20])
    return f"{names} and {len(paper.authors) - 20} more" if len(paper.authors) > 20 else names


def _date(paper: Paper) -> str:
    return paper.published_at.date().isoformat() if paper.published_at else ""
