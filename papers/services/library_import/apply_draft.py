"""Applying a draft: papers that are here go into the library with their tags, the workers fetch the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from papers.enqueue import TaskName, enqueue
from papers.models import LibraryImport, LibraryImportRow, LibraryItem, User
from papers.services.library_import.drafts import LibraryImportError
from papers.services.reading.library import set_library_state
from papers.services.reading.tags import add_tags

MAX_RUNNING = 3


@dataclass(frozen=True, slots=True)
class LibraryImportOptions:
    """What a reader wants done with the papers of a draft."""

    state: str
    """A state of the library; empty: they are not put into it."""
    tags: Sequence[str] = ()
    uses_file_tags: bool = False
    """The file's own keywords become tags."""


def apply_draft(*, library_import: LibraryImport, options: LibraryImportOptions, now: datetime) -> None:
    """Put what is here into the library and have the rest fetched. Idempotent: a second press changes nothing.

    Raises:
        LibraryImportError: the reader has too many imports going on.
    """
    with transaction.atomic():
        library_import = (
            LibraryImport.objects.select_for_update(of=("self",)).select_related("user").get(pk=library_import.pk)
        )
        if library_import.applied_at is not None:
            return
        if library_import.read_at is None or library_import.problem:
            raise LibraryImportError("The file has not been read yet.")
        running = LibraryImport.objects.filter(user=library_import.user, rows__state=LibraryImportRow.State.FETCHING)
        if running.distinct().count() >= MAX_RUNNING:
            raise LibraryImportError(
                f"{MAX_RUNNING} imports are still being fetched. Wait until one of them has finished."
            )
        library_import.state, library_import.tags = options.state, list(options.tags)
        library_import.uses_file_tags, library_import.applied_at = options.uses_file_tags, now
        library_import.save(update_fields=["state", "tags", "uses_file_tags", "applied_at"])
        add_to_library(
            library_import, library_import.rows.filter(state=LibraryImportRow.State.FOUND).exclude(paper=None)
        )
        wanted = library_import.rows.filter(state=LibraryImportRow.State.WANTED)
        if wanted.update(state=LibraryImportRow.State.FETCHING, next_attempt_at=now):
            enqueue(TaskName.FETCH_IMPORT, library_import.pk)


def add_to_library(library_import: LibraryImport, rows: Iterable[LibraryImportRow]) -> None:
    """Put the papers of `rows` into the library as the import's options say. What is there stays in its state."""
    rows = [row for row in rows if row.paper_id is not None]
    papers = [row.paper_id for row in rows if row.paper_id is not None]
    user = User.objects.get(pk=library_import.user_id)
    if library_import.state:
        there = set(LibraryItem.objects.filter(user=user, paper__in=papers).values_list("paper_id", flat=True))
        set_library_state(user=user, paper_ids=[pk for pk in papers if pk not in there], state=library_import.state)
    if library_import.tags:
        add_tags(user=user, paper_ids=papers, names=library_import.tags)
    if library_import.uses_file_tags:
        by_tag: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            for tag in row.tags:
                by_tag[tag].append(row.paper_id or 0)
        for tag, tagged in by_tag.items():
            add_tags(user=user, paper_ids=tagged, names=[tag])
    LibraryImportRow.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=LibraryImportRow.State.DONE, reason="", next_attempt_at=None
    )


def retry_failed_rows(*, library_import: LibraryImport, now: datetime) -> int:
    """Have the rows fetched again that failed, and return how many."""
    with transaction.atomic():
        failed = library_import.rows.filter(state=LibraryImportRow.State.FAILED)
        count = failed.update(state=LibraryImportRow.State.FETCHING, next_attempt_at=now, attempts=0, reason="")
        if count:
            enqueue(TaskName.FETCH_IMPORT, library_import.pk)
    return count
