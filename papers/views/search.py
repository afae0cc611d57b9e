"""Search: the page of results. `/papers` without a question is the newest edition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from papers.catalogue.identifiers import parse_arxiv_id
from papers.query.parser import Query, parse
from papers.services.fetching.thumbnails import shown_thumbnails
from papers.services.lists.rows import ListRow
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.search.facets import facet_links
from papers.services.search.result_notes import ResultNotes, read_notes
from papers.services.search.result_page import (
    EXPORT_LIMIT,
    SORTS,
    SearchPage,
    SearchRequest,
    available_sorts,
    find_destination,
    lexemes_to_highlight,
    more_like_query,
    resolve_sort,
    search_examples,
    search_page,
)
from papers.services.topics.labels import topic_names
from papers.views import editions
from papers.views.paper_lists import paper_ids_of
from papers.web.cards import Places, render_cards
from papers.web.http import Request
from papers.web.paging import add_count, decode_cursor, encode_cursor, split_count
from papers.web.ratelimit import rate_limited
from papers.web.search_highlights import highlight_words


def papers(request: Request) -> HttpResponse:
    """The results where something is asked, else the newest edition."""
    return search(request) if "q" in request.GET else editions.today(request)


@require_safe
@rate_limited("search")
def search(request: Request) -> HttpResponse:
    """The papers that answer a question; where the question names a paper that is here, the paper."""
    typed = request.GET["q"]
    query = parse(typed)
    if query.destination and (public_id := find_destination(query.destination)):
        return redirect("papers:paper", public_id)
    sort = resolve_sort(request.GET.get("sort", ""), query)
    cursor, before = split_count(request.GET.get("after", ""))
    asked = SearchRequest(
        query=query, sort=sort, after=decode_cursor(cursor, SORTS[sort]), viewer=request.user,
        today=timezone.localdate(), now=timezone.now(),
    )  # fmt: skip
    found = search_page(asked) if query.root is not None else SearchPage(sort=sort)
    before = 0 if asked.after is None else before
    context = _context(request, typed.strip(), found, read_notes(asked, found), before=before)
    is_more = bool(request.htmx) and not found.is_first
    response = render(request, "papers/_cards.html" if is_more else "papers/search.html", context)
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def _context(
    request: Request, typed: str, found: SearchPage, notes: ResultNotes, *, before: int | None
) -> dict[str, Any]:
    query, rows = notes.query, notes.rows
    marks = read_viewer_state(
        request.user, paper_ids_of(found.rows), voters_of=paper_ids_of(row for row in found.rows if row.vote_count)
    )
    topics = topic_names(paper_ids_of(found.rows), viewer=request.user)
    if found.search_result is not None:  # ranked; elsewhere nothing is said of a result
        rows = _with_more_like(rows, query)
    places = Places.of(paper_ids_of(rows), before=before)
    cards = render_cards(
        rows, viewer=marks, this_year=timezone.localdate().year, topics=topics, places=places,
        thumbnails=shown_thumbnails(paper_ids_of(rows)) if request.group.shows_thumbnails else {},
    )  # fmt: skip
    again = {"q": typed, **({"sort": found.sort} if "sort" in request.GET else {})}
    after_these = None if before is None else before + len(rows)
    more = add_count(encode_cursor(found.next_position), before=after_these) if found.next_position else ""
    named = query.destination and query.destination.scheme == "arxiv" and parse_arxiv_id(query.destination.value)
    return {
        "page": {
            "cards": highlight_words(cards, lexemes_to_highlight(query)),
            "more": more,
            "is_first": found.is_first,
            "is_past_end": not found.is_first and not found.rows,
        },
        "typed": typed,
        "exported": str(EXPORT_LIMIT),
        "query": query,
        "results": found,
        "notes": notes,
        "examples": search_examples(query),
        "facet_links": facet_links(query, found.search_result) if found.is_first else [],
        "missing_arxiv_id": str(named) if named else "",
        "first_query": urlencode(again),
        "more_query": urlencode(again | {"after": more}),
        "sorts": [(name, urlencode({"q": typed, "sort": name})) for name in available_sorts(query)],
    }


def _with_more_like(rows: Sequence[ListRow], query: Query) -> list[ListRow]:
    """The rows, each with the address of a search for papers like it."""
    front = f"{reverse('papers:papers')}?q="
    return [replace(row, similar_search_url=front + quote_plus(more_like_query(query, row.public_id))) for row in rows]
