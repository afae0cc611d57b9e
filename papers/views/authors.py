"""The pages of authors and organizations, their feeds, and what curators say of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from papers.forms.library import BulkActionForm
from papers.models import CurationEvent
from papers.models.paper import NewestPosition
from papers.models.user import can_curate
from papers.services.authors import disambiguation as acts
from papers.services.authors.lookup import (
    AuthorMovedError,
    Contributor,
    ContributorNotFoundError,
    find_author,
    find_organization,
    slug_of,
)
from papers.services.authors.profile import read_author_profile
from papers.services.reading.follows import is_following
from papers.views.feed_lists import FeedOf, list_feed
from papers.views.paper_lists import card_page, show_list
from papers.web.http import Request, UserRequest
from papers.web.permissions import curators_only


@require_safe
def author(request: Request, slug: str) -> HttpResponse:
    """An author's papers, newest first, and what they tell."""
    try:
        who = _author(slug)
    except AuthorMovedError as moved:
        return redirect("papers:author", slug_of(moved.key))
    return _page(request, who)


@require_safe
def organization(request: Request, slug: str) -> HttpResponse:
    """An organization's papers, newest first, and what they tell."""
    return _page(request, _organization(slug))


def _page(request: Request, who: Contributor) -> HttpResponse:
    facts = read_author_profile(who)
    if not facts.paper_count and not who.is_known:
        raise Http404("No paper here has this author.")
    page = card_page(request, NewestPosition, lambda after: who.papers().newest_sorted(after=after))
    context: dict[str, Any] = {
        "who": who,
        "facts": facts,
        "follows": request.user.is_authenticated and is_following(request.user, who),
        "slug": slug_of(who.key),
        "may_curate": can_curate(request.user),
        "acts": acts.author_events(who.key) if can_curate(request.user) and who.kind == "author" else [],
    }
    return show_list(request, "papers/author.html", page, context)


@require_safe
def author_feed(request: Request, slug: str, form: str) -> HttpResponse:
    """An author's newest papers."""
    try:
        return _feed(request, form, _author(slug))
    except AuthorMovedError as moved:
        return redirect("papers:author-feed", slug_of(moved.key), form)


@require_safe
def organization_feed(request: Request, slug: str, form: str) -> HttpResponse:
    """An organization's newest papers."""
    return _feed(request, form, _organization(slug))


def _feed(request: Request, form: str, who: Contributor) -> HttpResponse:
    facts = read_author_profile(who)
    if not facts.paper_count and not who.is_known:
        raise Http404("No paper here has this author.")
    about = FeedOf(f"{who.kind}:{who.key}", facts.name, who.get_absolute_url(), keeps_order=True)
    return list_feed(request, form, about, NewestPosition, lambda after: who.papers().newest_sorted(after=after))


def _author(slug: str) -> Contributor:
    try:
        return find_author(slug)
    except ContributorNotFoundError as error:
        raise Http404("No paper here has this author.") from error


def _organization(slug: str) -> Contributor:
    try:
        return find_organization(slug)
    except ContributorNotFoundError as error:
        raise Http404("No paper here has this organization.") from error


def author_after_merge(request: Request, slug: str) -> Contributor:
    """The author that a form is about, also where the name has become somebody else's spelling."""
    try:
        return _author(slug)
    except AuthorMovedError as moved:
        return _author(slug_of(moved.key))


@require_POST
@curators_only
def merge(request: UserRequest, slug: str) -> HttpResponse:
    """Say that another spelling is this author."""
    who, typed = author_after_merge(request, slug), request.POST.get("other", "")
    try:
        gone = find_author(slug_of(acts.parse_author_key(typed)))
    except AuthorMovedError as moved:
        gone = _author(slug_of(moved.key))
    except ContributorNotFoundError:
        messages.error(request, "No such author here. Enter a name as on the papers, or the author’s page.")
        return redirect(who.get_absolute_url())
    return _act(request, who, lambda name: acts.merge_authors(
        kept=who, gone=gone, name=name, curator=request.user, now=timezone.now()), "Authors merged.")  # fmt: skip


@require_POST
@curators_only
def split(request: UserRequest, slug: str) -> HttpResponse:
    """Record that the selected papers are somebody else's of the same name."""
    who = author_after_merge(request, slug)
    papers = BulkActionForm(request.POST).papers()
    return _act(request, who, lambda name: acts.split_author(
        contributor=who, paper_ids=papers, name=name, curator=request.user, now=timezone.now()),
        "The papers have been moved to a separate author.")  # fmt: skip


@require_POST
@curators_only
def orcid(request: UserRequest, slug: str) -> HttpResponse:
    """Note an author's ORCID."""
    who = author_after_merge(request, slug)
    return _act(request, who, lambda name: acts.set_orcid(
        contributor=who, orcid=request.POST.get("orcid", ""), name=name, curator=request.user, now=timezone.now()),
        "Noted.")  # fmt: skip


def _act(request: UserRequest, who: Contributor, act: Callable[[str], CurationEvent], done: str) -> HttpResponse:
    try:
        event = act(read_author_profile(who).name)
    except acts.AuthorCurationError as error:
        messages.error(request, str(error))
        return redirect(who.get_absolute_url())
    messages.success(request, f"{done} You can undo this in the log.")
    new = event.after.get("new")
    return redirect(reverse("papers:author", args=[slug_of(new)]) if new else who.get_absolute_url())


@require_POST
@curators_only
def undo_curation(request: UserRequest, event_id: int) -> HttpResponse:
    """Take back an act on an author."""
    event = get_object_or_404(CurationEvent, pk=event_id, action__in=acts.AUTHOR_ACTIONS)
    if acts.undo_author_event(event=event, curator=request.user, now=timezone.now()):
        messages.success(request, "Undone.")
    return redirect("papers:author", slug_of(event.after["author"]))
