"""The addresses of the contract. Who may see a page may have the answer, and visitors all get the same one."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.utils import timezone

from papers.api.huggingface.answers import contract_view, json_answer
from papers.api.huggingface.entries import entry, flat_paper
from papers.api.huggingface.parameters import (
    DEFAULT_RESULTS,
    LIST_PARAMETERS,
    MAX_RESULTS,
    DailyRequest,
    daily_request,
    results_limit,
)
from papers.api.huggingface.reading import ListPage, read_daily, read_ids, read_papers
from papers.catalogue.identifiers import parse_arxiv_id
from papers.query.parser import parse
from papers.services.lists.trending import trending_floor
from papers.services.reading.paper_page import find_moved_paper
from papers.services.search.result_page import SearchRequest, export_ids, find_destination, resolve_sort
from papers.services.search.timeouts import SearchTimeout
from papers.web.http import Request
from papers.web.page_cache import cache_with_parameters
from papers.web.permissions import paper_for_read
from papers.web.ratelimit import rate_limited


@contract_view
@cache_with_parameters(LIST_PARAMETERS)
def daily_papers(request: Request) -> HttpResponse:
    """A page of a day, a week or a month; without one, of the newest editions."""
    asked = daily_request(request.GET, now=timezone.now())
    return _submitters_list(request, asked) if asked.submitter else _list(request, asked)


@rate_limited("search")
def _submitters_list(request: Request, asked: DailyRequest) -> HttpResponse:
    """No index has the names of submitters, so this costs what a search does."""
    return _list(request, asked)


def _list(request: Request, asked: DailyRequest) -> HttpResponse:
    page = read_daily(asked, today=timezone.localdate(), trending_floor=trending_floor(now=timezone.now()))
    name = "" if asked.submitter else f"{request.path_info} {asked}"
    return json_answer(
        request, [entry(listed) for listed in page.papers], name=name, next_query=_next_query(asked, page)
    )


def _next_query(asked: DailyRequest, page: ListPage) -> str:
    if not page.has_more:
        return ""
    first = str(asked.first or "")
    named = {"date": first, "week": first and f"{asked.first:%G-W%V}", "month": first[:7]}
    again = {
        asked.span: named.get(asked.span, ""),
        "submitter": asked.submitter,
        "sort": "trending" if asked.is_trending else "",
        "p": asked.page + 1,
        "limit": asked.limit,
    }
    return urlencode({name: value for name, value in again.items() if name and value})


@contract_view
@rate_limited("search")
def search(request: Request) -> HttpResponse:
    """The best results of a search; of an id that is here, its paper. Without a question, the newest editions."""
    limit = results_limit(request.GET, default=DEFAULT_RESULTS, most=MAX_RESULTS)
    typed = request.GET.get("q", "").strip()
    if not typed:
        asked = DailyRequest(span="", first=None, submitter="", is_trending=False, page=0, limit=limit)
        page = read_daily(asked, today=timezone.localdate(), trending_floor=0.0)
        return json_answer(request, [entry(listed) for listed in page.papers])
    query = parse(typed)
    if query.destination and (public_id := find_destination(query.destination)):
        found = read_papers([paper_for_read(request.user, public_id)])
        return json_answer(request, [entry(listed) for listed in found])
    ids: list[int] | None = []
    if query.root is not None:
        sort = resolve_sort("", query)
        ids = export_ids(SearchRequest(query, sort, None, request.user, today=timezone.localdate(), now=timezone.now()))
    if ids is None:
        raise SearchTimeout
    return json_answer(request, [entry(listed) for listed in read_ids(ids[:limit])])


@contract_view
@cache_with_parameters(frozenset())
def paper(request: Request, public_id: str) -> HttpResponse:
    """One paper, also by an address that it had before, or by its arXiv id in another spelling."""
    try:
        found = paper_for_read(request.user, public_id)
    except Http404:
        named = parse_arxiv_id(public_id)
        other = find_moved_paper(public_id) or (named and named.value)
        if not other or other == public_id:
            raise
        found = paper_for_read(request.user, other)
    [listed] = read_papers([found])
    return json_answer(request, flat_paper(listed), name=f"{request.path_info} {found.pk}")
