"""A paper's own page, and the other addresses that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from papers.catalogue.identifiers import parse_arxiv_id
from papers.citations.registry import CITATION_FORMATS
from papers.forms.comments import CommentForm
from papers.forms.library import AnnotationsForm
from papers.models import Club, ClubMeeting, Paper, Tag, Thumbnail, User
from papers.services.clubs.read_club import clubs_of, meetings_of_paper
from papers.services.embeddings.facet_likeness import similar_in
from papers.services.reading.beside_paper import BesidePaper, beside_paper
from papers.services.reading.library import mark_opened, read_annotations
from papers.services.reading.paper_page import citation_of, find_moved_paper, id_in_words, links_of, paper_details
from papers.services.reading.votes import voters_of
from papers.services.shared_lists.overview import lists_naming_paper
from papers.services.topics.labels import MAX_ON_PAGE, topic_names
from papers.text.abstract_roles import LikenessFacet
from papers.text.html import markdown
from papers.views.comments import NO_DISCUSSION, show_discussion
from papers.web.cards import render_own_tags, render_save_button, sign_in_url_for
from papers.web.http import Request, parse_key
from papers.web.permissions import paper_for_read
from papers.web.signposts import signposts


@require_safe
def paper(request: Request, public_id: str) -> HttpResponse:
    """A paper. Addresses it had before, and ids with a version or in another spelling, lead to the one it has."""
    try:
        found = paper_for_read(request.user, public_id)
    except Http404:
        return _elsewhere(request, public_id)
    facet = _asked_facet(request)
    if request.htmx and "similar" in request.GET:
        return _similar(request, found, facet)
    vote_url = reverse("papers:vote", args=[found.public_id])
    citation = citation_of(found)
    beside = beside_paper(found.pk, viewer=request.user)
    meetings = meetings_of_paper(found.pk, request.user) if beside.is_on_agendas else []
    after = parse_key(request.GET.get("comments", "")) or 0
    context = {
        "paper": found,
        "name": id_in_words(found),
        "facts": paper_details(found, beside=beside),
        "similar": similar_in(found, facet),
        "facets": list(LikenessFacet),
        "topics": topic_names([found.pk], viewer=request.user, limit=MAX_ON_PAGE).get(found.pk, ()),
        "links": links_of(found),
        "lists": lists_naming_paper(found.pk, viewer=request.user) if beside.is_on_lists else [],
        "citation": citation,
        "json_ld": mark_safe(citation.json_ld),  # noqa: S308  nothing in it can end its element
        "formats": CITATION_FORMATS.values(),
        "vote_url": vote_url,
        "sign_in_url": sign_in_url_for(vote_url),
        "discussion": show_discussion(found, viewer=request.user, after=after)
        if beside.has_comments
        else NO_DISCUSSION,
        "meetings": meetings,
        "now": timezone.now(),
    }
    if request.user.is_authenticated:
        context |= _own(request, found, request.user, beside)
        if beside.viewer_is_in_clubs:
            context["own_clubs"] = _clubs_to_ask(request.user, meetings)
    response = render(request, "papers/paper.html", context)
    response["Link"] = signposts(found)
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def _asked_facet(request: Request) -> LikenessFacet | None:
    """In what the papers below are to be like this one; None: on the whole."""
    asked = request.GET.get("similar", "")
    return LikenessFacet(asked) if asked in list(LikenessFacet) else None


def _similar(request: Request, paper: Paper, facet: LikenessFacet | None) -> HttpResponse:
    """The papers like it alone, for a page that is open."""
    context = {"paper": paper, "similar": similar_in(paper, facet), "facets": list(LikenessFacet)}
    response = render(request, "papers/_similar.html", context)
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def _elsewhere(request: Request, public_id: str) -> HttpResponse:
    """The answer for an address without a paper.

    Raises:
        Http404: it never was a paper's, and is no arXiv id.
    """
    if moved := find_moved_paper(public_id):
        return redirect("papers:paper", moved, permanent=True)
    named = parse_arxiv_id(public_id)
    if named is None:
        raise Http404("There is no such paper here.")
    if named.value == public_id:
        return _not_here(request, named.value)
    return redirect("papers:paper", named.value)


def _not_here(request: Request, arxiv_id: str) -> HttpResponse:
    """An arXiv id without a paper here: one button fetches it. Of a hidden one it says no more."""
    context = {"arxiv_id": arxiv_id, "sign_in_url": sign_in_url_for(request.path)}
    return render(request, "papers/paper_not_here.html", context, status=404)


def _own(request: Request, paper: Paper, user: User, beside: BesidePaper) -> dict[str, Any]:
    """What is the reader's own on the page; and that it was opened, unless a browser only fetches it ahead."""
    own = read_annotations(user, paper, in_library=beside.is_in_library, has_tags=beside.viewer_has_tags)
    if request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", ""):
        mark_opened(user=user, paper=paper)
    voters = voters_of(paper, viewer=user)
    return {
        "voters": voters,
        "is_on": voters.is_unnamed is not None,
        "save": render_save_button(paper.pk, paper.get_absolute_url(), state=own["state"]),
        "form": AnnotationsForm(paper=paper, initial=own),
        "tags": Tag.objects.of(user) if beside.viewer_has_tags else [],
        "next": request.get_full_path(),
        "note": markdown(own["note"]),
        "own_tags": render_own_tags(paper.pk, own["tags"].split(", ") if own["tags"] else (), owner=user.username),
        "comment_form": CommentForm(),
        "comments_url": reverse("papers:comments", args=[paper.public_id]),
    }


def _clubs_to_ask(user: User, meetings: Sequence[ClubMeeting]) -> list[Club]:
    """The reader's clubs, but for those that have the paper on an agenda to come."""
    known = {meeting.club_id for meeting in meetings if meeting.ends_at > timezone.now()}
    return [club for club in clubs_of(user) if club.pk not in known]


@require_safe
def by_arxiv_id(request: Request, arxiv_id: str) -> HttpResponse:
    """`/abs/…` and `/pdf/…`, as on arXiv: only the host has to be changed in the address."""
    named = parse_arxiv_id(arxiv_id)
    if named is None:
        raise Http404("This is not an arXiv id.")
    return redirect("papers:paper", named.value)


@require_safe
def first_page(request: Request, public_id: str) -> HttpResponse:
    """The picture of a paper's first page. Its address changes with it, so browsers keep it for a year."""
    found = paper_for_read(request.user, public_id)
    row = Thumbnail.objects.filter(paper=found, width__gt=0).first() if request.group.shows_thumbnails else None
    if row is None:
        raise Http404("There is no picture.")
    response = HttpResponse(bytes(row.image), content_type="image/png")
    scope = {"private": True} if request.group.members_only or found.hidden_at else {"public": True}
    patch_cache_control(response, max_age=365 * 24 * 60 * 60, immutable=True, **scope)
    return response
