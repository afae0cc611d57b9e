"""How far an import has come: the number of rows in each state, and a page of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count

from papers.models import LibraryImport, LibraryImportRow

PER_PAGE = 100
_SECONDS_EACH = 4


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """The number of rows of one import, by state."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def is_running(self) -> bool:
        return bool(self.counts.get(LibraryImportRow.State.FETCHING))

    @property
    def done(self) -> int:
        return self.total - self.counts.get(LibraryImportRow.State.FETCHING, 0)

    def kinds(self) -> list[tuple[str, str, int]]:
        """State, its label and its number of rows, for each state that has any."""
        return [
            (state.value, state.label, count)
            for state in LibraryImportRow.State
            if (count := self.counts.get(state, 0))
        ]


def import_progress(library_import: LibraryImport) -> ImportProgress:
    """The progress of an import. One query, over one reader's rows."""
    return ImportProgress(dict(library_import.rows.order_by().values_list("state").annotate(count=Count("pk"))))


def estimated_duration(library_import: LibraryImport) -> timedelta:
    """About how long the fetching of a draft takes: arXiv's a hundred at a time, the rest one by one. One query."""
    schemes = dict(
        library_import.rows.order_by()
        .filter(state=LibraryImportRow.State.WANTED)
        .values_list("scheme")
        .annotate(count=Count("pk"))
    )
    turns = -(-schemes.pop("arxiv", 0) // 100) + sum(schemes.values())
    return timedelta(seconds=turns * _SECONDS_EACH)


@dataclass(frozen=True, slots=True)
class ImportRowPage:
    """Some rows, and the position of the next page's first; 0 on the last page."""

    rows: list[LibraryImportRow]
    next_from: int


def page_of_rows(library_import: LibraryImport, *, state: str = "", start: int = 0) -> ImportRowPage:
    """The rows from a position on, of a state or all. One query."""
    found = library_import.rows.filter(position__gte=start).select_related("paper")
    if state in LibraryImportRow.State.values:
        found = found.filter(state=state)
    rows = list(found.defer("paper__abstract", "paper__abstract_raw", "paper__search_vector", "paper__author_keys")
                .order_by("position")[: PER_PAGE + 1])  # fmt: skip
    return ImportRowPage(rows[:PER_PAGE], rows[PER_PAGE].position if len(rows) > PER_PAGE else 0)
