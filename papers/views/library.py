"""A reader's library: the shelf with its states, filters and sorts, and what is done to many papers at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.access import signed_in
from papers.forms import BulkForm
from papers.http import UserRequest, safe_next
from papers.models import ShelfItem, Tag
from papers.models.library import AddedPosition, OpenedPosition, PublishedPosition, ShelfPosition
from papers.query import parse
from papers.ratelimit import limited
from papers.services.library import shelf_notes, state_counts
from papers.services.shelf import set_state
from papers.services.tags import add_tags, remove_tags
from papers.views.lists import card_page, show_list

SORTS: dict[str, type[ShelfPosition]] = {
    "added": AddedPosition,
    "published": PublishedPosition,
    "opened": OpenedPosition,
}


@require_safe
@never_cache
@signed_in
def library(request: UserRequest) -> HttpResponse:
    """The shelf: of a state or all but what was put aside, of a tag, what a question finds, in one of three orders."""
    user = request.user
    state = request.GET.get("state", "")
    state = state if state in ShelfItem.State.values else ""
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "added"
    tags = list(Tag.objects.of(user))
    tag = next((tag for tag in tags if tag.name == request.GET.get("tag")), None)
    asked = parse(request.GET.get("q", ""))
    shelf = ShelfItem.objects.of(user).in_state(state)
    shelf = shelf.matching(asked, viewer=user) if asked.root else shelf
    found = shelf.tagged(tag) if tag else shelf
    page = card_page(
        request,
        SORTS[sort],
        lambda after: found.sorted_by(SORTS[sort], after=after),
        is_own=True,
        notes=lambda rows: shelf_notes(user=user, paper_ids=[row.paper_id for row in rows]),
    )
    context = {
        "asked": asked,
        "state": state,
        "sort": sort,
        "sorts": SORTS,
        "tag": tag,
        "tags": tags,
        "counts": state_counts(user),
    }
    return show_list(request, "papers/library.html", page, context)


@require_POST
@signed_in
@limited("shelf")
def bulk(request: UserRequest) -> HttpResponse:
    """Move, tag and untag the papers that are ticked."""
    form, target = BulkForm(request.POST), safe_next(request, default=reverse("papers:library"))
    papers = form.papers()
    if not papers or not form.is_valid():
        words = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(words) or "Tick at least one paper first.")
        return redirect(target)
    state = form.cleaned_data["state"]
    if state:
        set_state(user=request.user, paper_ids=papers, state="" if state == "none" else state)
    add_tags(user=request.user, paper_ids=papers, names=form.cleaned_data["tags"])
    remove_tags(user=request.user, paper_ids=papers, names=form.cleaned_data["off"])
    messages.success(request, f"Done, for {len(papers)} paper{'' if len(papers) == 1 else 's'}.")
    return redirect(target)
