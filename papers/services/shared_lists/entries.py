"""What is on a shared list and in which order: papers come, go, move and get a note.

Each act holds the list's row. A place is a number with room around it, so moving a paper writes its row alone; where
the room between two is used up, the whole list is numbered anew, under the same lock. The caller has checked the
rights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.dateparse import parse_datetime

from papers.models import SharedList, SharedListChange, SharedListPaper, User
from papers.services.ingest.releases import next_release
from papers.services.shared_lists.settings import ListError, lock_list
from papers.text.cleaning import safe_text

MAX_PAPERS = 2_000
"""On one list, hidden ones among them."""
MAX_NOTE = 2_000
"""Characters of a note."""
KEPT_CHANGES = 1_000
"""Of a list's history, the newest."""
STEP = 1 << 20
"""Between the places of two papers that were added one after the other: room for twenty moves into one gap."""


class Move(StrEnum):
    """Where a paper goes on its list."""

    UP = "up"
    DOWN = "down"
    TOP = "top"
    BOTTOM = "bottom"


def add_papers(
    shared_list: SharedList, *, paper_ids: Collection[int], by: User, now: datetime, note: str = ""
) -> list[int]:
    """Put papers at the end of a list, in this order; the keys of the changes, one a new paper. Idempotent.

    Hidden papers are not put. `note` stands at those that are new.

    Raises:
        ListError: it would have too many, or the note is too long.
    """
    note = clean_note(note)
    with transaction.atomic():
        User.objects.lock_against_deletion(by)
        found = lock_list(shared_list)
        wanted = list(dict.fromkeys(paper_ids))
        known = _hold_papers(wanted)
        there = set(found.entries.filter(paper__in=wanted).values_list("paper_id", flat=True))
        fresh = [pk for pk in wanted if pk in known and pk not in there]
        if not fresh:
            return []
        _check_room(found, len(fresh))
        last = found.entries.aggregate(last=Max("position"))["last"] or 0
        rows = [
            SharedListPaper(
                shared_list=found, paper_id=pk, position=last + STEP * place, added_by=by, added_at=now,
                released_at=now, note=note, noted_by=by if note else None, noted_at=now if note else None,
            )
            for place, pk in enumerate(fresh, start=1)
        ]  # fmt: skip
        SharedListPaper.objects.bulk_create(rows)
        changes = _note_changes(found, fresh, kind=SharedListChange.Kind.ADDED, by=by, now=now)
        _touch(found, now)
        # Last: whoever draws a number waits for the end of this transaction.
        SharedListPaper.objects.filter(pk__in=[row.pk for row in rows]).update(release=next_release())
    return changes


def remove_papers(shared_list: SharedList, *, paper_ids: Collection[int], by: User, now: datetime) -> list[int]:
    """Take papers off a list; returns the keys of the changes, by which it can be undone. Idempotent."""
    with transaction.atomic():
        User.objects.lock_against_deletion(by)
        found = lock_list(shared_list)
        _hold_papers(paper_ids)
        rows = list(found.entries.filter(paper__in=paper_ids).order_by("position", "pk"))
        if not rows:
            return []
        found.entries.filter(pk__in=[row.pk for row in rows]).delete()
        entries = {row.paper_id: _as_json(row) for row in rows}
        changes = _note_changes(
            found, list(entries), kind=SharedListChange.Kind.REMOVED, by=by, now=now, entries=entries
        )
        _touch(found, now)
        return changes


def restore_removed(change: SharedListChange, *, by: User, now: datetime) -> bool:
    """Put a removed paper back to where it was, with its note and who had added it; whether it was not there.

    It keeps its release, so no mail brings it twice. Idempotent.

    Raises:
        ListError: the list is full by now.
    """
    with transaction.atomic():
        User.objects.lock_against_deletion(by)
        found = lock_list(change.shared_list)
        _hold_papers([change.paper_id])
        if change.kind != SharedListChange.Kind.REMOVED or found.entries.filter(paper=change.paper_id).exists():
            return False
        _check_room(found, 1)
        said: Mapping[str, Any] = change.entry
        people = set(User.objects.filter(pk__in=[said["noted_by"], said["added_by"]]).values_list("pk", flat=True))
        SharedListPaper.objects.create(
            shared_list=found,
            paper_id=change.paper_id,
            position=said["position"],
            note=said["note"],
            noted_by_id=said["noted_by"] if said["noted_by"] in people else None,
            noted_at=_moment(said["noted_at"]),
            added_by_id=said["added_by"] if said["added_by"] in people else None,
            added_at=_moment(said["added_at"]) or now,
            release=said["release"],
            released_at=_moment(said["released_at"]) or now,
        )
        _note_changes(found, [change.paper_id], kind=SharedListChange.Kind.ADDED, by=by, now=now)
        _touch(found, now)
        return True


def write_note(shared_list: SharedList, *, paper_id: int, note: str, by: User, now: datetime) -> None:
    """Say why a paper is on a list; an empty note says nothing. Idempotent; nothing where the paper is not on it.

    Raises:
        ListError: it is too long.
    """
    note = clean_note(note)
    with transaction.atomic():
        User.objects.lock_against_deletion(by)
        found = lock_list(shared_list)
        said = {"note": note, "noted_by": by if note else None, "noted_at": now if note else None}
        if found.entries.filter(paper=paper_id).exclude(note=note).update(**said):
            _touch(found, now)


def move_paper(shared_list: SharedList, *, paper_id: int, move: Move, now: datetime) -> None:
    """Move a paper one place, or to an end, among those that readers see; hidden ones count for nothing."""
    with transaction.atomic():
        found = lock_list(shared_list)
        rows = list(
            found.entries.order_by("position", "pk").values_list("pk", "paper_id", "position", "paper__hidden_at")
        )
        here = next((place for place, row in enumerate(rows) if row[1] == paper_id), None)
        if here is None:
            return
        seen = [place for place, row in enumerate(rows) if row[3] is None and place != here]
        before = [place for place in seen if place < here]
        behind = [place for place in seen if place > here]
        if not (before if move in (Move.UP, Move.TOP) else behind):
            return
        # The row in front of which it goes; one past the end for the bottom.
        target = {
            Move.UP: lambda: before[-1],
            Move.TOP: lambda: before[0],
            Move.DOWN: lambda: behind[0] + 1,
            Move.BOTTOM: lambda: len(rows),
        }[move]()
        others = [row for place, row in enumerate(rows) if place != here]
        _place_before(found, rows[here][0], others, target - (target > here))
        _touch(found, now)


def clean_note(note: str) -> str:
    """A note as it is stored.

    Raises:
        ListError: it is too long.
    """
    note = safe_text(note).strip()
    if len(note) > MAX_NOTE:
        raise ListError(f"A note can have at most {MAX_NOTE:,} characters.")
    return note


def _hold_papers(paper_ids: Collection[int]) -> set[int]:
    """Keep papers from being merged or deleted until the transaction ends; those that readers see. One query.

    In the order of keys, and before a row of theirs is written or deleted: a merge holds the papers first, too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, hidden_at IS NULL FROM papers_paper WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [list(paper_ids)],
        )
        return {pk for pk, is_visible in cursor.fetchall() if is_visible}


def _place_before(found: SharedList, key: int, others: Sequence[tuple[Any, ...]], target: int) -> None:
    """Write one row's place between its new neighbours, or number all of them anew where there is no room."""
    low = others[target - 1][2] if target else None
    high = others[target][2] if target < len(others) else None
    if low is None:
        place = (high or 0) - STEP
    elif high is None:
        place = low + STEP
    else:
        place = (low + high) // 2
    if low is not None and high is not None and not low < place < high:
        keys = [row[0] for row in others]
        _number_anew([*keys[:target], key, *keys[target:]])
    else:
        SharedListPaper.objects.filter(pk=key).update(position=place)


def _number_anew(keys: Sequence[int]) -> None:
    """Two statements: locks first, in the order of keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM papers_sharedlistpaper WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(keys)]
        )
        cursor.execute(
            "UPDATE papers_sharedlistpaper entry SET position = numbered.place * %s "
            "FROM unnest(%s::bigint[]) WITH ORDINALITY AS numbered (id, place) WHERE entry.id = numbered.id",
            [STEP, list(keys)],
        )


def _check_room(found: SharedList, more: int) -> None:
    if found.entries.count() + more > MAX_PAPERS:
        raise ListError(f"A list can have at most {MAX_PAPERS:,} papers. Make a second one.")


def _touch(found: SharedList, now: datetime) -> None:
    SharedList.objects.filter(pk=found.pk).update(changed_at=now)


def _note_changes(
    found: SharedList,
    paper_ids: Iterable[int],
    *,
    kind: SharedListChange.Kind,
    by: User,
    now: datetime,
    entries: Mapping[int, Any] | None = None,
) -> list[int]:
    """Write the history of an act and forget the oldest; the keys of what was written."""
    rows = SharedListChange.objects.bulk_create(
        SharedListChange(shared_list=found, paper_id=pk, by=by, kind=kind, at=now, entry=(entries or {}).get(pk, {}))
        for pk in paper_ids
    )
    keys = found.changes.order_by("-pk").values_list("pk", flat=True)
    oldest = keys[KEPT_CHANGES : KEPT_CHANGES + 1].first()
    if oldest is not None:
        found.changes.filter(pk__lte=oldest).delete()
    return [row.pk for row in rows]


def _as_json(row: SharedListPaper) -> dict[str, Any]:
    return {
        "position": row.position,
        "note": row.note,
        "noted_by": row.noted_by_id,
        "noted_at": row.noted_at.isoformat() if row.noted_at else None,
        "added_by": row.added_by_id,
        "added_at": row.added_at.isoformat(),
        "release": row.release,
        "released_at": row.released_at.isoformat(),
    }


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
