"""A list as a feed: as many of its rows as a document takes, from a cursor on, and where the older ones are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date, quote_etag

from papers.models import Paper
from papers.web.feeds import (
    ATOM_TYPE,
    JSON_TYPE,
    MAX_ENTRIES,
    FeedEntry,
    PaperFeed,
    atom_feed,
    fitting,
    json_feed,
    with_content,
)
from papers.web.http import Request
from papers.web.paging import decode_cursor, encode_cursor

P = TypeVar("P", bound=tuple[Any, ...])

_WRITERS: dict[str, tuple[Callable[[PaperFeed], bytes], str]] = {
    "atom": (atom_feed, ATOM_TYPE),
    "json": (json_feed, JSON_TYPE),
}
_HEAVY = ("title_raw", "abstract_raw", "search_vector", "author_keys")


@dataclass(frozen=True, slots=True)
class FeedOf:
    """The list that a feed is of."""

    name: str
    """Makes its id; never changes."""
    title: str
    address: str
    """The path of its page."""
    query: dict[str, str] = field(default_factory=dict)
    """What the address asks for beside the cursor."""
    keeps_order: bool = False
    """Rows stay where they are in it, so that documents of older ones may be kept as archives (RFC 5005)."""
    is_archive: bool = False
    """No more rows come into it."""
    older: dict[str, str] = field(default_factory=dict)
    """Form → path of the feed that goes on where this one ends."""
    newer: dict[str, str] = field(default_factory=dict)
    """Form → path of the feed of what came after; of archives."""
    current: dict[str, str] = field(default_factory=dict)
    """Form → path of the feed to which people subscribe, where it is another than this one."""


@dataclass(frozen=True, slots=True)
class FeedRows:
    """The rows of one document, and one more if there are more."""

    entries: Sequence[FeedEntry]
    cursors: Sequence[str]
    """Behind each row."""
    changed: datetime | None
    """When one of them changed last, or came to the list."""


def list_feed(
    request: Request, form: str, about: FeedOf, kind: type[P], list_after: Callable[[P | None], QuerySet[Any]]
) -> HttpResponse:
    """The feed of a list of papers, or of rows that have one, sorted by `kind`. One query."""
    found = list_after(decode_cursor(request.GET.get("after", ""), kind))
    if found.model is Paper:
        rows = list(found.defer(*_HEAVY)[: MAX_ENTRIES + 1])
    else:
        heavy = [f"paper__{column}" for column in _HEAVY]
        rows = list(found.select_related("paper").defer(*heavy)[: MAX_ENTRIES + 1])
    papers = [row if isinstance(row, Paper) else row.paper for row in rows]
    cursors = [encode_cursor(kind(*(_value(row, column) for column in kind._fields))) for row in rows]  # type: ignore[attr-defined]
    came = [at for row in rows if (at := _came_at(row)) is not None]
    changed = max((*(paper.changed_at for paper in papers), *came), default=None)
    return rows_feed(request, form, about, FeedRows([feed_entry(paper) for paper in papers], cursors, changed))


def rows_feed(request: Request, form: str, about: FeedOf, rows: FeedRows) -> HttpResponse:
    """The feed of rows of any kind in the form that is asked for, or 304 for who has this one."""
    if form not in _WRITERS:
        raise Http404("There is no such feed.")
    entries = [with_content(entry) for entry in rows.entries]
    count = fitting(entries)
    more = rows.cursors[count - 1] if count < len(entries) else ""
    write, content_type = _WRITERS[form]
    feed = _feed(request, about, entries[:count], more)
    body = write(feed)
    etag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    headers: dict[str, Any] = {"ETag": etag, "Cache-Control": "no-cache"}
    modified = int((rows.changed or feed.updated).timestamp())
    response = HttpResponse(body, content_type=content_type, headers=headers | {"Last-Modified": http_date(modified)})
    patch_vary_headers(response, ["Cookie"])
    return get_conditional_response(request, etag=etag, last_modified=modified, response=response) or response


def _feed(request: Request, about: FeedOf, entries: Sequence[FeedEntry], more: str) -> PaperFeed:
    origin, after = settings.SITE.origin, request.GET.get("after", "")

    def own(form: str, cursor: str) -> str:
        return str(origin + _own_address(request, form, about.query | ({"after": cursor} if cursor else {})))

    older = {
        form: own(form, more) if more else origin + about.older[form] if form in about.older else ""
        for form in _WRITERS
    }
    current = origin + about.current["atom"] if about.current else own("atom", "") if after else ""
    links = [
        ("current" if about.keeps_order else "first", current),
        ("next", older["atom"]),
        ("prev-archive", older["atom"] if about.keeps_order else ""),
        ("next-archive", origin + about.newer["atom"] if about.newer and not after else ""),
    ]
    return PaperFeed(
        id=tag_uri(about.name),
        title=f"{about.title} · {request.group.name or 'Broadsheet'}",
        address=origin + about.address,
        atom_address=own("atom", after),
        json_address=own("json", after),
        entries=entries,
        atom_links=[link for link in links if link[1]],
        json_older=older["json"],
        is_archive=about.is_archive,
    )


def _own_address(request: Request, form: str, query: dict[str, str]) -> str:
    """Where the feed that is asked for is, in either form."""
    asked = request.resolver_match
    assert asked is not None  # noqa: S101  a view is answering
    address = reverse(asked.view_name, kwargs={**asked.kwargs, "form": form})
    return f"{address}?{urlencode(query)}" if query else address


def _value(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name)
    return row


def _came_at(row: Any) -> datetime | None:
    """When a row came to its list, where it says so."""
    for name in ("matched_at", "added_at", "created_at"):
        if not isinstance(row, Paper) and isinstance(found := getattr(row, name, None), datetime):
            return found
    return None


def feed_entry(paper: Paper) -> FeedEntry:
    """A paper as a feed has it. No queries."""
    changes = (paper.listed_at, paper.updated_at, paper.withdrawn_at)
    return FeedEntry(
        id=tag_uri(f"paper:{paper.pk}"),  # its address may change once, when it gains an arXiv id
        address=settings.SITE.origin + paper.get_absolute_url(),
        title=f"Withdrawn: {paper.title}" if paper.withdrawn_at else paper.title,
        abstract=paper.abstract,
        summary=paper.line,
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
