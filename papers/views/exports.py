"""Papers and lists of them in the formats of reference managers: the address of a page with `.bib` behind it.

Who may see the page may have the file, and the query string of one means the same for the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import IO, Any, cast
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.catalogue.identifiers import parse_arxiv_id
from papers.citations.registry import CITATION_FORMATS, format_papers
from papers.dates import parse_day, parse_month, parse_week
from papers.models import Listing, Paper, SharedListPaper, TaggedPaper
from papers.query.parser import parse
from papers.services.reading.paper_page import find_moved_paper
from papers.services.search.result_page import SearchRequest, export_ids, find_destination, resolve_sort
from papers.views.library import library_filter
from papers.views.paper import paper as paper_page
from papers.views.shared_lists import ORDERS as LIST_ORDERS
from papers.views.tags import tag as tag_page
from papers.web.http import Request, UserRequest
from papers.web.permissions import list_for_read, paper_for_read, sign_in_required, tag_for_read
from papers.web.ratelimit import rate_limited
from papers.web.validators import etag_of, same_since

_IN_MEMORY_BYTES = 2_000_000
_UNUSED = ("title_raw", "abstract_raw", "search_vector", "author_keys")


def citation_file(papers: Iterable[Paper], *, form: str, name: str) -> HttpResponse:
    """`papers` as a file called `name`. Made whole before it is sent, so that a slow reader holds no database."""
    found = CITATION_FORMATS[form]
    whole: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  closed by the response
    for part in format_papers(papers, form):
        whole.write(part.encode())
    whole.seek(0)
    # Markdown is read in the browser, too; all else is for other programs.
    response = FileResponse(
        whole, as_attachment=form != "md", filename=f"{name}.{found.suffix}", content_type=found.media_type
    )
    patch_vary_headers(response, ["Cookie"])
    return cast(HttpResponse, response)  # which it is to all but type checkers


@require_safe
@rate_limited("export")
def paper(request: Request, public_id: str, form: str) -> HttpResponse:
    """One paper. Addresses it had before, and its arXiv id in another spelling, lead to the one it has."""
    try:
        found = paper_for_read(request.user, public_id)
    except Http404:
        if moved := find_moved_paper(public_id):
            return redirect("papers:paper-export", moved, form, permanent=True)
        named = parse_arxiv_id(public_id)
        if named and Paper.objects.visible().filter(public_id=named.value).exists():
            return redirect("papers:paper-export", named.value, form)
        return paper_page(request, f"{public_id}.{form}")  # a DOI may end like a format
    etag = etag_of("".join(format_papers([found], form)).encode())
    modified = same_since(f"{request.path} {found.pk}", etag)
    response = citation_file([found], form=form, name=found.public_id.replace("/", "-"))
    for header, value in (("ETag", etag), ("Last-Modified", http_date(modified)), ("Cache-Control", "no-cache")):
        response[header] = value
    return get_conditional_response(request, etag=etag, last_modified=modified, response=response) or response


@require_safe
@rate_limited("export")
def day(request: Request, day: str, form: str) -> HttpResponse:
    """A day's edition, in its order."""
    return _edition_file(Listing.objects.best_of_day, parse_day(day), form=form, name=day, what="day")


@require_safe
@rate_limited("export")
def week(request: Request, week: str, form: str) -> HttpResponse:
    """A week, most voted first."""
    return _edition_file(Listing.objects.best_of_week, parse_week(week), form=form, name=week, what="week")


@require_safe
@rate_limited("export")
def month(request: Request, month: str, form: str) -> HttpResponse:
    """A month, most voted first."""
    return _edition_file(Listing.objects.best_of_month, parse_month(month), form=form, name=month, what="month")


def _edition_file(
    listings_from: Callable[[date], QuerySet[Any]], first: date | None, *, form: str, name: str, what: str
) -> HttpResponse:
    """The listings of a day, a week or a month, which is called `name` and begins on `first`.

    Raises:
        Http404: the address names no such span, so there is no first day.
    """
    if first is None:
        raise Http404(f"There is no such {what}.")
    return citation_file(_papers(listings_from(first)), form=form, name=f"papers-{name}")


@require_safe
@never_cache
@rate_limited("export")
def tag(request: Request, owner: str, name: str, form: str) -> HttpResponse:
    """The papers of a tag, last tagged first."""
    try:
        tag_for_read(request.user, owner, whole := f"{name}.{form}")
    except Http404:
        found = tag_for_read(request.user, owner, name)
        return citation_file(_papers(TaggedPaper.objects.newest_of(found)), form=form, name=found.name)
    return tag_page(request, owner, whole)  # a tag may end like a format


@require_safe
@never_cache
@rate_limited("export")
def shared_list(request: Request, slug: str, form: str) -> HttpResponse:
    """The papers of a shared list, in the order of its editors or in the one that is asked for."""
    found, _ = list_for_read(request.user, slug)
    kind = LIST_ORDERS[request.GET.get("sort", "") if request.GET.get("sort") in LIST_ORDERS else ""][1]
    rows = SharedListPaper.objects.visible_of(found).sorted_by(kind)
    return citation_file(_papers(rows), form=form, name=found.slug)


@require_safe
@never_cache
@sign_in_required
@rate_limited("export")
def library(request: UserRequest, form: str) -> HttpResponse:
    """The library, or what the address asks for of it, in its order."""
    return citation_file(_papers(library_filter(request).after(None)), form=form, name="library")


@require_safe
@never_cache
@rate_limited("search")
@rate_limited("export")
def search(request: Request, form: str) -> HttpResponse:
    """The first results of a search, in their order; where there can be none, the page that says why."""
    typed, wanted = request.GET.get("q", ""), request.GET.get("sort", "")
    query = parse(typed)
    if query.destination and (public_id := find_destination(query.destination)):
        return redirect(f"{reverse('papers:paper', args=[public_id])}.{form}")
    asked = SearchRequest(
        query=query, sort=resolve_sort(wanted, query), after=None, viewer=request.user,
        today=timezone.localdate(), now=timezone.now(),
    )  # fmt: skip
    ids = export_ids(asked) if query.root is not None else None
    if ids is None:
        return redirect(f"{reverse('papers:papers')}?{urlencode({'q': typed, 'sort': wanted})}")
    known = Paper.objects.visible().defer(*_UNUSED).in_bulk(ids)
    return citation_file((known[pk] for pk in ids if pk in known), form=form, name="search")


def _papers(rows: QuerySet[Any]) -> Iterator[Paper]:
    """The papers of a list, a few hundred at a time. One query."""
    found = rows.select_related("paper").defer(*(f"paper__{column}" for column in _UNUSED))
    return (row.paper for row in found.iterator(chunk_size=500))
