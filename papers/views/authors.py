"""The pages of authors and organisations, their feeds, and what curators say of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from papers.forms.accounts import BulkForm
from papers.models import CurationEvent
from papers.models.paper import NewPosition
from papers.services.authors import disambiguation as acts
from papers.services.authors.lookup import AuthorMovedError, NobodyError, Who, find_author, find_organization, slug_of
from papers.services.authors.profile import facts_of
from papers.services.reading.follows import does_follow
from papers.views.feeds import ENTRIES, answer_feed
from papers.views.paper_lists import card_page, show_list
from papers.web.http import Request, UserRequest
from papers.web.permissions import curators_only, may_curate


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
    """An organisation's papers, newest first, and what they tell."""
    return _page(request, _organization(slug))


def _page(request: Request, who: Who) -> HttpResponse:
    facts = facts_of(who)
    if not facts.paper_count and not who.is_known:
        raise Http404("No paper here has such a name.")
    page = card_page(request, NewPosition, lambda after: who.papers().newest_of_these(after=after))
    context: dict[str, Any] = {
        "who": who,
        "facts": facts,
        "follows": request.user.is_authenticated and does_follow(request.user, who),
        "slug": slug_of(who.key),
        "may_curate": may_curate(request.user),
        "acts": acts.events_of(who.key) if may_curate(request.user) and who.kind == "author" else [],
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
    """An organisation's newest papers."""
    return _feed(request, form, _organization(slug))


def _feed(request: Request, form: str, who: Who) -> HttpResponse:
    facts = facts_of(who)
    if not facts.paper_count and not who.is_known:
        raise Http404("No paper here has such a name.")
    papers = who.papers().for_cards().newest_of_these()[:ENTRIES]
    return answer_feed(request, form, f"{who.kind}:{who.key}", facts.name, who.get_absolute_url(), papers)


def _author(slug: str) -> Who:
    try:
        return find_author(slug)
    except NobodyError as error:
        raise Http404("No paper here has such a name.") from error


def _organization(slug: str) -> Who:
    try:
        return find_organization(slug)
    except NobodyError as error:
        raise Http404("No paper here has such an organization.") from error


def here(request: Request, slug: str) -> Who:
    """The author that a form is about, also where the name has become somebody else's spelling."""
    try:
        return _author(slug)
    except AuthorMovedError as moved:
        return _author(slug_of(moved.key))


@require_POST
@curators_only
def merge(request: UserRequest, slug: str) -> HttpResponse:
    """Say that another spelling is this author."""
    who, typed = here(request, slug), request.POST.get("other", "")
    try:
        gone = find_author(slug_of(acts.key_typed(typed)))
    except AuthorMovedError as moved:
        gone = _author(slug_of(moved.key))
    except NobodyError:
        messages.error(
            request, "Nobody here is called so. Write the name as on the papers, or the address of the page."
        )
        return redirect(who.get_absolute_url())
    return _act(request, who, lambda name: acts.merge_names(
        kept=who, gone=gone, name=name, curator=request.user, now=timezone.now()), "They are one now.")  # fmt: skip


@require_POST
@curators_only
def split(request: UserRequest, slug: str) -> HttpResponse:
    """Say that the papers that are ticked are somebody else's of the same name."""
    who = here(request, slug)
    papers = BulkForm(request.POST).papers()
    return _act(request, who, lambda name: acts.split_papers(
        who=who, paper_ids=papers, name=name, curator=request.user, now=timezone.now()),
        "They have a page of their own now.")  # fmt: skip


@require_POST
@curators_only
def orcid(request: UserRequest, slug: str) -> HttpResponse:
    """Note an author's ORCID."""
    who = here(request, slug)
    return _act(request, who, lambda name: acts.set_orcid(
        who=who, orcid=request.POST.get("orcid", ""), name=name, curator=request.user, now=timezone.now()),
        "Noted.")  # fmt: skip


def _act(request: UserRequest, who: Who, act: Callable[[str], CurationEvent], done: str) -> HttpResponse:
    try:
        event = act(facts_of(who).name)
    except acts.AuthorCurationError as error:
        messages.error(request, str(error))
        return redirect(who.get_absolute_url())
    messages.success(request, f"{done} It is in the log, with what takes it back.")
    new = event.after.get("new")
    return redirect(reverse("papers:author", args=[slug_of(new)]) if new else who.get_absolute_url())


@require_POST
@curators_only
def undo_act(request: UserRequest, event_id: int) -> HttpResponse:
    """Take back an act on an author."""
    event = get_object_or_404(CurationEvent, pk=event_id, action__in=[acts.MERGED, acts.SPLIT, acts.ORCID])
    if acts.undo(event=event, curator=request.user, now=timezone.now()):
        messages.success(request, "Taken back.")
    return redirect("papers:author", slug_of(event.after["author"]))
