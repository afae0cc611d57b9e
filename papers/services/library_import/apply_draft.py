"""Taking a draft: what is here goes to the shelf and gets its tags at once, the rest is left to the workers."""

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
    """What is to become of the papers."""

    state: str
    """Of the shelf; empty: not on it."""
    tags: Sequence[str] = ()
    uses_file_tags: bool = False
    """The file's own keywords become tags."""


def apply_draft(*, of: LibraryImport, wishes: LibraryImportOptions, now: datetime) -> None:
    """Put what is here into the library and have the rest fetched. Idempotent: a second press changes nothing.

    Raises:
        BringingError: the reader has too many imports going on.
    """
    with transaction.atomic():
        of = LibraryImport.objects.select_for_update(of=("self",)).select_related("user").get(pk=of.pk)
        if of.applied_at is not None:
            return
        going = (
            LibraryImport.objects.filter(user=of.user, rows__state=LibraryImportRow.State.FETCHING).distinct().count()
        )
        if going >= MAX_RUNNING:
            raise LibraryImportError(f"{MAX_RUNNING} imports are still being fetched. Wait until one of them is done.")
        of.state, of.tags, of.uses_file_tags, of.applied_at = (
            wishes.state,
            list(wishes.tags),
            wishes.uses_file_tags,
            now,
        )
        of.save(update_fields=["state", "tags", "uses_file_tags", "applied_at"])
        add_to_library(of, of.rows.filter(state=LibraryImportRow.State.FOUND).exclude(paper=None))
        wanted = of.rows.filter(state=LibraryImportRow.State.WANTED)
        if wanted.update(state=LibraryImportRow.State.FETCHING, next_attempt_at=now):
            enqueue(TaskName.FETCH_IMPORT, of.pk)


def add_to_library(of: LibraryImport, rows: Iterable[LibraryImportRow]) -> None:
    """Put the papers of `rows` into the library as was wished. What is on the shelf stays in its state."""
    rows = [row for row in rows if row.paper_id is not None]
    papers = [row.paper_id for row in rows if row.paper_id is not None]
    user = User.objects.get(pk=of.user_id)
    if of.state:
        there = set(LibraryItem.objects.filter(user=user, paper__in=papers).values_list("paper_id", flat=True))
        set_library_state(user=user, paper_ids=[pk for pk in papers if pk not in there], state=of.state)
    if of.tags:
        add_tags(user=user, paper_ids=papers, names=of.tags)
    if of.uses_file_tags:
        by_tag: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            for tag in row.tags:
                by_tag[tag].append(row.paper_id or 0)
        for tag, tagged in by_tag.items():
            add_tags(user=user, paper_ids=tagged, names=[tag])
    LibraryImportRow.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=LibraryImportRow.State.DONE, reason="", next_attempt_at=None
    )


def retry_failed_rows(*, of: LibraryImport, now: datetime) -> int:
    """Try again what could not be fetched; how many."""
    with transaction.atomic():
        failed = of.rows.filter(state=LibraryImportRow.State.FAILED)
        count = failed.update(state=LibraryImportRow.State.FETCHING, next_attempt_at=now, attempts=0, reason="")
        if count:
            enqueue(TaskName.FETCH_IMPORT, of.pk)
    return count
