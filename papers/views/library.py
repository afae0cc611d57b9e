"""A reader's library: its states, filters and sorts, and what is done to many papers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.forms.library import BulkActionForm
from papers.models import LibraryItem, Paper, Tag
from papers.models.library import AddedPosition, LibraryItemQuerySet, LibraryPosition, OpenedPosition, PublishedPosition
from papers.query.parser import Query, parse
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.reading.bulk import act_on_papers
from papers.services.reading.library_page import count_with_newer_version, library_notes, state_counts
from papers.text.counts import counted
from papers.views.paper_lists import card_page, show_list
from papers.web.answers import answer_act
from papers.web.http import UserRequest, safe_next
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited

SORTS: dict[str, type[LibraryPosition]] = {
    "added": AddedPosition,
    "published": PublishedPosition,
    "opened": OpenedPosition,
}


@dataclass(frozen=True, slots=True)
class LibraryFilter:
    """What an address asks for of a reader's library; what it asks for and isn't there is left out."""

    found: LibraryItemQuerySet
    asked: Query
    state: str
    sort: str
    tag: Tag | None
    tags: list[Tag]
    """All of the reader's."""
    only_updated: bool
    """Only what has a newer version than the reader saw."""

    def after(self, position: LibraryPosition | None) -> LibraryItemQuerySet:
        return self.found.sorted_by(SORTS[self.sort], after=position)


def library_filter(request: UserRequest) -> LibraryFilter:
    """The library of a state, a tag, with newer versions or found by a query, as asked. One query, for the tags."""
    user, given = request.user, request.GET
    state = given.get("state", "") if given.get("state") in LibraryItem.State.values else ""
    tags = list(Tag.objects.of(user))
    tag = next((tag for tag in tags if tag.name == given.get("tag")), None)
    asked, only_updated = parse(given.get("q", "")), given.get("news") == "1"
    found = LibraryItem.objects.of(user).in_state(state)
    found = found.of_papers(Paper.objects.matching(asked, viewer=user)) if asked.root else found
    found = found.tagged(tag) if tag else found
    return LibraryFilter(
        found=found.with_newer_version() if only_updated else found,
        asked=asked,
        state=state,
        sort=given.get("sort", "") if given.get("sort") in SORTS else "added",
        tag=tag,
        tags=tags,
        only_updated=only_updated,
    )


@require_safe
@never_cache
@sign_in_required
def library(request: UserRequest) -> HttpResponse:
    """The reader's library, in one of three orders."""
    user, shelf = request.user, library_filter(request)
    page = card_page(
        request,
        SORTS[shelf.sort],
        shelf.after,
        is_own=True,
        notes=lambda rows: library_notes(user=user, paper_ids=[row.paper_id for row in rows]),
    )
    key = feed_key_of(user)
    context: dict[str, Any] = {
        **_feed_addresses(key, shelf.state),
        "shelf": shelf,
        "asked": shelf.asked,
        "state": shelf.state,
        "sort": shelf.sort,
        "sorts": SORTS,
        "tag": shelf.tag,
        "tags": shelf.tags,
        "counts": state_counts(user),
        "news_count": count_with_newer_version(user),
    }
    return show_list(request, "papers/library.html", page, context)


def _feed_addresses(key: str, state: str) -> dict[str, str]:
    """Where the library of a state is as a feed; nothing where the key can't be read."""
    if not key:
        return {}
    end = f"?state={state}" if state else ""
    return {f"{form}_url": reverse("papers:own-library-feed", args=[key, form]) + end for form in ("atom", "json")}


@require_POST
@sign_in_required
@rate_limited("library")
def bulk(request: UserRequest) -> HttpResponse:
    """Move, tag, untag and mark the selected papers; one Undo takes all of it back."""
    form, target = BulkActionForm(request.POST), safe_next(request, default=reverse("papers:library"))
    papers = form.papers()
    if not papers or not form.is_valid():
        words = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(words) or "Select at least one paper first.")
        return redirect(target)
    before = act_on_papers(user=request.user, paper_ids=papers, act=form.act())
    said = f"Done, for {counted(len(papers), 'paper')}."
    return answer_act(request, said, default=reverse("papers:library"), before=before)
