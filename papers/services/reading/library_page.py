"""What the library's page shows beside the papers: what is new of them, the note, how many there are of each state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count

from papers.models import LibraryItem, User
from papers.services.lists.rows import CardNote


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many papers of a library are in one state."""

    value: str
    label: str
    count: int


def library_notes(*, user: User, paper_ids: Collection[int]) -> dict[int, CardNote]:
    """By paper, for those that have a note or a newer version. One query."""
    found = LibraryItem.objects.filter(user=user, paper__in=paper_ids)
    rows = found.values_list("paper_id", "note", "version_seen", "paper__version", "paper__withdrawn_at")
    notes = {
        paper: CardNote(update=_update(seen, version, is_withdrawn=withdrawn is not None), markdown=note)
        for paper, note, seen, version, withdrawn in rows
    }
    return {paper: note for paper, note in notes.items() if note.update or note.markdown}


def _update(seen: int | None, version: int | None, *, is_withdrawn: bool) -> str:
    if version is not None and seen is not None and version > seen:
        return f"v{version} was withdrawn" if is_withdrawn else f"v{version} available, you saw v{seen}"
    return ""


def state_counts(user: User) -> list[StateCount]:
    """Each state with its number of papers, 0 too. One query, over one reader's library."""
    rows = LibraryItem.objects.filter(user=user, paper__hidden_at=None).values_list("state").annotate(count=Count("pk"))
    counts = dict(rows)
    return [StateCount(state.value, state.label, counts.get(state.value, 0)) for state in LibraryItem.State]


def count_with_newer_version(user: User) -> int:
    """How many papers of the library have a newer version than the reader saw. One query."""
    return LibraryItem.objects.of(user).in_state("").with_newer_version().count()
