"""What pages say of shared lists: which there are, how many papers are on them, which have a paper."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count
from django.db.models.functions import Lower

from papers.models import SharedList, SharedListPaper, User
from papers.models.shared_list import ListsPosition
from papers.services.lists.rows import ListPlace

PER_PAGE = 50
MAX_EDITED = 400
"""Lists that somebody may edit, as pages offer them."""
_NAMED_ON_PAPER = 8


def edited_lists(user: User) -> list[SharedList]:
    """The lists that `user` may put papers on, by name. One query."""
    return list(SharedList.objects.edited_by(user).select_related("owner").order_by(Lower("name"), "pk")[:MAX_EDITED])


def other_lists(viewer: User | AnonymousUser, *, after: ListsPosition | None = None) -> list[SharedList]:
    """What else `viewer` may read, last changed first; one more than a page if there are more. One query."""
    found = SharedList.objects.readable_by(viewer).select_related("owner")
    if viewer.is_authenticated:
        found = found.exclude(pk__in=SharedList.objects.edited_by(viewer).values("pk"))
    return list(found.last_changed(after=after)[: PER_PAGE + 1])


def paper_counts(lists: Collection[SharedList]) -> dict[int, int]:
    """How many papers readers see on each; 0 is left out. One query, over the rows of these lists."""
    found = SharedListPaper.objects.filter(shared_list__in=[one.pk for one in lists], paper__hidden_at=None)
    return dict(found.order_by().values_list("shared_list").annotate(count=Count("pk")))


def lists_with_paper(paper_id: int, *, lists: Collection[SharedList]) -> set[int]:
    """Which of these lists have a paper. One query."""
    found = SharedListPaper.objects.filter(paper=paper_id, shared_list__in=[one.pk for one in lists])
    return set(found.values_list("shared_list", flat=True))


def lists_naming_paper(paper_id: int, *, viewer: User | AnonymousUser) -> list[SharedList]:
    """Some lists that have a paper and that `viewer` may read, last changed first. One query."""
    having = SharedListPaper.objects.filter(paper=paper_id).values("shared_list")
    return list(SharedList.objects.readable_by(viewer).filter(pk__in=having).last_changed()[:_NAMED_ON_PAPER])


def places_of(shared_list: SharedList, *, paper_ids: Collection[int], **viewer: bool) -> dict[int, ListPlace]:
    """What a list says of these papers, by paper; `viewer` has what `ListPlace` says of who looks. One query."""
    found = SharedListPaper.objects.filter(shared_list=shared_list, paper__in=paper_ids)
    rows = found.values_list("paper_id", "note", "noted_by__username", "noted_at", "added_by__username", "added_at")
    return {
        paper: ListPlace(paper, shared_list.slug, note, noted_by or "", noted_at, added_by or "", added_at, **viewer)
        for paper, note, noted_by, noted_at, added_by, added_at in rows
    }
