"""Feeds of what the pages show: the day, what is trending, topics, shared tags, and the answers to any question."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

from papers.models import Listing, Paper, TaggedPaper, TopicMatch
from papers.query.parser import parse
from papers.services.editions.spans import day_span, newest_span
from papers.services.lists.trending import trending_floor
from papers.services.search.timeouts import SearchTimeout, statement_timeout
from papers.web.feeds import ATOM_TYPE, JSON_TYPE, FeedEntry, PaperFeed, atom_feed, json_feed
from papers.web.http import Request
from papers.web.page_cache import cache_for_anonymous
from papers.web.permissions import tag_for_read, topic_for_read
from papers.web.ratelimit import rate_limited

MAX_ENTRIES = 50
MAX_EDITION_ENTRIES = 500
_WRITERS: dict[str, tuple[Callable[[PaperFeed], bytes], str]] = {
    "atom": (atom_feed, ATOM_TYPE),
    "json": (json_feed, JSON_TYPE),
}


@require_safe
@cache_for_anonymous
def edition(request: Request, form: str) -> HttpResponse:
    """The newest edition; with a question, the newest papers that answer it."""
    if "q" in request.GET:
        return search(request, form)
    span = newest_span(day_span, today=timezone.localdate())
    rows = list(Listing.objects.best_of_day(span.first).select_related("paper")[:MAX_EDITION_ENTRIES])
    papers, came = [row.paper for row in rows], [row.created_at for row in rows]
    return paper_feed_response(request, form, "edition", "Daily Papers", reverse("papers:papers"), papers, came=came)


@rate_limited("search")
def search(request: Request, form: str) -> HttpResponse:
    typed = request.GET["q"].strip()
    query = parse(typed)
    found = Paper.objects.visible().for_cards().matching(query, viewer=request.user, today=timezone.localdate())
    try:
        with statement_timeout():
            papers = list(found.newest()[:MAX_ENTRIES])
    except SearchTimeout:
        return HttpResponse("This search took too long.", status=503, headers={"Retry-After": "600"})
    address = f"{reverse('papers:papers')}?{urlencode({'q': typed, 'sort': 'newest'})}"
    return paper_feed_response(
        request, form, f"search:{query}", f"{typed[:80] or 'Nothing'} · Search", address, papers, q=typed
    )


@require_safe
@cache_for_anonymous
def trending(request: Request, form: str) -> HttpResponse:
    """What readers vote for now."""
    papers = Paper.objects.visible().for_cards().trending(min_score=trending_floor(now=timezone.now()))[:MAX_ENTRIES]
    return paper_feed_response(request, form, "trending", "Trending Papers", reverse("papers:trending"), papers)


@require_safe
@cache_for_anonymous
def topic(request: Request, slug: str, form: str) -> HttpResponse:
    """A topic's newest papers; a reader's own only for that reader."""
    found = topic_for_read(request.user, slug)
    rows = list(TopicMatch.objects.newest(found).select_related("paper")[:MAX_ENTRIES])
    papers, came = [row.paper for row in rows], [row.matched_at for row in rows]
    return paper_feed_response(
        request, form, f"topic:{found.pk}", found.name, found.get_absolute_url(), papers, came=came
    )


@require_safe
def tag(request: Request, owner: str, name: str, form: str) -> HttpResponse:
    """The papers of a tag, last tagged first: of one that is shared, or the reader's own."""
    found = tag_for_read(request.user, owner, name)
    rows = list(TaggedPaper.objects.newest_of(found).select_related("paper")[:MAX_ENTRIES])
    papers, came = [row.paper for row in rows], [row.created_at for row in rows]
    title = f"{found.name} · {found.user.username}"
    return paper_feed_response(request, form, f"tag:{found.pk}", title, found.get_absolute_url(), papers, came=came)


def paper_feed_response(
    request: Request,
    form: str,
    name: str,
    title: str,
    address: str,
    papers: Iterable[Paper],
    *,
    came: Iterable[datetime] = (),
    **query: str,
) -> HttpResponse:
    """The feed of some papers. `came`: when they came to the list, where that is known."""
    papers = list(papers)
    changed = max((*(paper.changed_at for paper in papers), *came), default=None)
    entries = [feed_entry(paper) for paper in papers]
    return feed_response(request, form, name, title, address, entries, changed=changed, **query)


def feed_response(
    request: Request,
    form: str,
    name: str,
    title: str,
    address: str,
    entries: Sequence[FeedEntry],
    *,
    changed: datetime | None,
    **query: str,
) -> HttpResponse:
    """A feed in the form that is asked for, or 304 for who has this one."""
    if form not in _WRITERS:
        raise Http404("There is no such feed.")
    write, content_type = _WRITERS[form]
    own = {form: _own_address(request, form, query) for form in _WRITERS}
    origin = settings.SITE.origin
    feed = PaperFeed(
        id=tag_uri(name),
        title=f"{title} · {request.group.name or 'Broadsheet'}",
        address=origin + address,
        atom_address=origin + own["atom"],
        json_address=origin + own["json"],
        entries=entries,
    )
    body = write(feed)
    etag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    headers: dict[str, Any] = {"ETag": etag, "Cache-Control": "no-cache"}
    modified = int((changed or feed.updated).timestamp())
    response = HttpResponse(body, content_type=content_type, headers=headers | {"Last-Modified": http_date(modified)})
    patch_vary_headers(response, ["Cookie"])
    return get_conditional_response(request, etag=etag, last_modified=modified, response=response) or response


def _own_address(request: Request, form: str, query: dict[str, str]) -> str:
    """Where the feed that is asked for is, in either form."""
    asked = request.resolver_match
    assert asked is not None  # noqa: S101  a view is answering
    address = reverse(asked.view_name, kwargs={**asked.kwargs, "form": form})
    return f"{address}?{urlencode(query)}" if query else address


def feed_entry(paper: Paper) -> FeedEntry:
    """A paper as a feed has it. No queries."""
    changes = (paper.listed_at, paper.updated_at, paper.withdrawn_at)
    return FeedEntry(
        id=tag_uri(f"paper:{paper.pk}"),  # its address may change once, when it gains an arXiv id
        address=settings.SITE.origin + paper.get_absolute_url(),
        title=f"Withdrawn: {paper.title}" if paper.withdrawn_at else paper.title,
        abstract=paper.abstract,
        authors=tuple(author["name"] for author in paper.authors),
        categories=tuple(paper.categories),
        published=paper.published_at or paper.listed_at,
        updated=max(at for at in changes if at is not None),
        source=paper.links.get("abs", {}).get("url", ""),
    )


def tag_uri(name: str) -> str:
    """A tag URI (RFC 4151) of this site. Digested where a name could hold what a URI may not."""
    if not name.replace(":", "").isalnum() or not name.isascii():
        name = f"search:{hashlib.sha256(name.encode()).hexdigest()[:20]}"
    return f"tag:{settings.SITE.host},2025:{name}"
