"""What a reader does to many papers at once: moved, tagged, marked as seen; and all of it taken back with one Undo."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.db import transaction

from papers.models import LibraryItem, Paper, SeenPaper, TaggedPaper, User
from papers.services.reading.library import set_library_state
from papers.services.reading.seen import mark_seen
from papers.services.reading.tags import add_tags, remove_tags

Before: TypeAlias = Mapping[str, Any]
"""What an act changes, as it was before, in values that JSON has."""
MAX_NOTES_CARRIED = 100_000
"""Characters of notes that an answer takes along, so that they come back; with more there is no Undo."""
REMOVE = "none"
"""The state that takes a paper out of the library."""


@dataclass(frozen=True, slots=True)
class BulkAct:
    """What is to be done with each of the papers."""

    state: str = ""
    """Of the library, or `REMOVE`; empty where it stays as it is."""
    add_tags: Collection[str] = ()
    remove_tags: Collection[str] = ()
    seen: bool | None = None
    """None where that stays as it is."""


def act_on_papers(*, user: User, paper_ids: Collection[int], act: BulkAct) -> Before | None:
    """Do it, in one transaction; returns what was before, None where that is too much to carry. Idempotent."""
    papers = sorted(set(paper_ids))
    with transaction.atomic():
        before = _before(user, papers, act)
        if act.state:
            set_library_state(user=user, paper_ids=papers, state="" if act.state == REMOVE else act.state)
        if act.add_tags:
            add_tags(user=user, paper_ids=papers, names=act.add_tags)
        if act.remove_tags:
            remove_tags(user=user, paper_ids=papers, names=act.remove_tags)
        if act.seen is not None:
            _set_seen(user, papers, on=act.seen)
    return before


def _before(user: User, papers: list[int], act: BulkAct) -> Before | None:
    """Three queries at most."""
    before: dict[str, Any] = {"papers": papers}
    before["seen"] = list(SeenPaper.objects.filter(user=user, paper__in=papers).values_list("paper", flat=True))
    if act.state:
        rows = LibraryItem.objects.filter(user=user, paper__in=papers).values_list("paper", "state", "note", "added_at")
        before["entries"] = [[paper, state, note, added.isoformat()] for paper, state, note, added in rows]
        if sum(len(note) for _, _, note, _ in rows) > MAX_NOTES_CARRIED:
            return None
    names = {name.casefold(): name for name in (*act.add_tags, *act.remove_tags)}
    if names:
        tagged = TaggedPaper.objects.filter(tag__user=user, paper__in=papers).values_list("tag__name", "paper")
        before["tags"] = {name: [] for name in names.values()}
        for tag, paper in tagged:
            if tag.casefold() in names:
                before["tags"][names[tag.casefold()]].append(paper)
    return before


def restore_papers(user: User, before: Before) -> None:
    """Put back what was before an act on several papers. Idempotent."""
    papers: set[int] = set(before["papers"])
    with transaction.atomic():
        if "entries" in before:
            _restore_entries(user, papers, before["entries"])
        for name, tagged in before.get("tags", {}).items():
            remove_tags(user=user, paper_ids=papers - set(tagged), names=[name])
            add_tags(user=user, paper_ids=tagged, names=[name])
        _set_seen(user, papers - set(before["seen"]), on=False)
        _set_seen(user, before["seen"], on=True)


def _restore_entries(user: User, papers: set[int], entries: list[list[str]]) -> None:
    """State, note and date of those that were in the library; the others leave it."""
    known: dict[int, list[str]] = {int(paper): rest for paper, *rest in entries}
    set_library_state(user=user, paper_ids=papers - known.keys(), state="")
    for state in {state for state, _, _ in known.values()}:
        set_library_state(user=user, paper_ids=[key for key in known if known[key][0] == state], state=state)
    items = list(LibraryItem.objects.filter(user=user, paper__in=known))
    for item in items:
        _, item.note, added = known[item.paper_id]
        item.added_at = datetime.fromisoformat(added)
    LibraryItem.objects.bulk_update(items, ["note", "added_at"])


def _set_seen(user: User, papers: Collection[int], *, on: bool) -> None:
    if on:
        mark_seen(user=user, paper_ids=Paper.objects.visible().filter(pk__in=papers).values_list("pk", flat=True))
    else:
        SeenPaper.objects.filter(user=user, paper__in=papers).delete()
