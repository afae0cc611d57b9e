"""The versions of a paper, and what each changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from papers.models import Paper, PaperEdit, PaperVersion
from papers.text.word_diff import DiffPart, word_diff

_FIELDS = ("title", "abstract", "comment")
_MOST_COMPARED = 10
"""A page marks the words of so many versions, the newest; of those before, it names the fields that changed."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that a version changed."""

    field: str
    """`title`, `abstract` or `comment`."""
    parts: list[DiffPart] | None
    """The words before and after; None where most are other ones."""


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """One version, and what is known to differ from the one before."""

    row: PaperVersion
    changes: Sequence[FieldChange] = ()

    @property
    def fields(self) -> list[str]:
        """The names of the fields that changed."""
        return [change.field for change in self.changes]

    @property
    def has_marks(self) -> bool:
        """Whether words can be shown beside the names of fields."""
        return any(change.parts for change in self.changes)


def read_versions(paper: Paper) -> list[VersionChanges]:
    """The versions of `paper`, the newest first. One query, and one more where the texts of an earlier one are kept."""
    rows = list(PaperVersion.objects.filter(paper=paper).order_by("version"))
    return _compared(rows, paper)[::-1]


def changes_of(versions: Iterable[PaperVersion]) -> Mapping[int, Sequence[FieldChange]]:
    """By id of a version: what it changed. Each has its `paper` read. At most two queries for all."""
    papers = {version.paper_id: version.paper for version in versions}
    rows: dict[int, list[PaperVersion]] = {paper_id: [] for paper_id in papers}
    for row in PaperVersion.objects.filter(paper__in=papers).order_by("paper", "version"):
        rows[row.paper_id].append(row)
    kept = [paper_id for paper_id, own in rows.items() if _has_texts(own)]
    sources = _source_texts(kept)
    return {
        one.row.pk: one.changes
        for paper_id in kept
        for one in _compared(rows[paper_id], papers[paper_id], sources.get(paper_id, {}))
    }


def _compared(
    rows: Sequence[PaperVersion], paper: Paper, source_texts: Mapping[str, str] | None = None
) -> list[VersionChanges]:
    """A version's texts are stored where the next one changed them; so a text that is there was changed after it."""
    if not _has_texts(rows):
        return [VersionChanges(row) for row in rows]
    if source_texts is None:
        source_texts = _source_texts([paper.pk]).get(paper.pk, {})
    after = {name: source_texts.get(name, getattr(paper, name)) for name in _FIELDS}
    found: list[VersionChanges] = []
    for place in range(len(rows) - 1, 0, -1):
        before = {name: text for name in _FIELDS if (text := getattr(rows[place - 1], name))}
        is_recent = len(rows) - place <= _MOST_COMPARED
        changes = [
            FieldChange(name, word_diff(text, after[name]) if is_recent else None) for name, text in before.items()
        ]
        found.append(VersionChanges(rows[place], changes))
        after |= before
    return [VersionChanges(rows[0]), *found[::-1]]


def _has_texts(rows: Iterable[PaperVersion]) -> bool:
    return any(getattr(row, name) for row in rows for name in _FIELDS)


def _source_texts(paper_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """What the sources say where a curator says something else: a version is compared with them. One query."""
    found: dict[int, dict[str, str]] = {}
    if paper_ids:
        edits = PaperEdit.objects.filter(paper__in=paper_ids, field__in=_FIELDS)
        for paper_id, field, text in edits.values_list("paper", "field", "source_value"):
            found.setdefault(paper_id, {})[field] = text or ""
    return found
