"""The library: which papers a reader keeps, in which state, with which note and tags."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from papers.models import LibraryItem, Paper, User
from papers.services.reading.seen import mark_seen
from papers.services.reading.tags import set_tags, tag_names_of_paper
from papers.services.recommend.staleness import mark_recommendations_stale

MAX_NOTE_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """State and note of a paper in a reader's library; empty for a paper that is not in it."""

    state: str = ""
    note: str = ""


def read_library_entry(*, user: User, paper_id: int) -> LibraryEntry:
    """State and note of one paper. One query."""
    found = LibraryItem.objects.filter(user=user, paper=paper_id).values_list("state", "note").first()
    return LibraryEntry(*found) if found else LibraryEntry()


_SAVE = """
    INSERT INTO papers_libraryitem (user_id, paper_id, state, note, version_seen, added_at, opened_at)
    SELECT %(user)s, paper.id, %(state)s, '', paper.version, %(now)s, NULL
    FROM papers_paper paper WHERE paper.id = ANY(%(papers)s) AND paper.hidden_at IS NULL
    ORDER BY paper.id
    ON CONFLICT (user_id, paper_id) DO UPDATE SET state = excluded.state
"""


def set_library_state(*, user: User, paper_ids: Collection[int], state: str) -> None:
    """Put papers into the library of `user` in a state, or with `""` take them out, note and all. Idempotent.

    Hidden papers stay as they are. A paper that is saved or disliked has been seen.
    """
    papers = sorted(set(paper_ids))
    with transaction.atomic(), connection.cursor() as cursor:
        mark_recommendations_stale(user)
        if not state:
            LibraryItem.objects.filter(user=user, paper__in=papers).delete()
            return
        cursor.execute(
            _SAVE,
            {"user": user.pk, "papers": papers, "state": LibraryItem.State(state).value, "now": timezone.now()},
        )
        mark_seen(user=user, paper_ids=Paper.objects.visible().filter(pk__in=papers).values_list("pk", flat=True))


def set_library_note(*, user: User, paper_id: int, note: str) -> None:
    """Store a note, Markdown, on a paper; a paper that is not in the library is put there, to be read. Idempotent."""
    with transaction.atomic():
        mark_recommendations_stale(user)
        kept = LibraryItem.objects.filter(user=user, paper=paper_id).update(note=note)
        if not kept and note:
            set_library_state(user=user, paper_ids=[paper_id], state=LibraryItem.State.TO_READ)
            LibraryItem.objects.filter(user=user, paper=paper_id).update(note=note)


def mark_opened(*, user: User, paper: Paper) -> None:
    """Note that `user` has opened a paper, and so knows its version. Two statements."""
    mark_seen(user=user, paper_ids=[paper.pk])
    now = timezone.now()
    LibraryItem.objects.filter(user=user, paper=paper).update(opened_at=now, version_seen=paper.version)


def read_annotations(user: User, paper: Paper, *, in_library: bool = True, has_tags: bool = True) -> dict[str, str]:
    """A reader's own of one paper, for its form: state, tags separated by commas, note. Two queries at most.

    None for what is known not to be there: a paper that is not `in_library`, tags where the reader has none.
    """
    own = read_library_entry(user=user, paper_id=paper.pk) if in_library else LibraryEntry()
    tags = tag_names_of_paper(user=user, paper_id=paper.pk) if has_tags else []
    return {"state": own.state, "tags": ", ".join(tags), "note": own.note}


def save_annotations(*, user: User, paper_id: int, state: str, tags: Collection[str], note: str) -> None:
    """Store a reader's own of one paper. Idempotent. A note alone puts the paper into the library, to be read."""
    with transaction.atomic():
        set_library_state(user=user, paper_ids=[paper_id], state=state or (LibraryItem.State.TO_READ if note else ""))
        set_library_note(user=user, paper_id=paper_id, note=note)
        set_tags(user=user, paper_id=paper_id, names=tags)
