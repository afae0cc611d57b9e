"""The search, as the search box has it."""

from __future__ import annotations

from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import Cursor, Record, Text, limit_as_pages, new_router, public, viewer_with_scope
from papers.api.v1.pages import position_of, records_of_rows
from papers.api.v1.paper_schema import PaperRecord
from papers.query.parser import parse
from papers.services.search.result_page import SORTS, SearchRequest, resolve_sort, search_page
from papers.web.paging import encode_cursor
from papers.web.problems import ProblemError

router = new_router("Search")


class SearchAnswer(Record):
    """A page of results."""

    items: list[PaperRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")
    sort: str = Field(description="The order they are in.")
    problems: list[str] = Field(description="What of the search was not understood, in words.")


@router.get("/search", response=SearchAnswer, summary="Search", **public())
def search_papers(
    request: HttpRequest,
    q: Text = Query(
        ...,
        min_length=1,
        max_length=1_000,
        description="In the language of the search box: words, `“a phrase”`, `author:`, `cat:cs.CL`, `like:`.",
        example="tides cat:physics.*",
    ),
    sort: Literal["", "relevance", "newest", "votes"] = Query(
        "", description="Empty: by relevance, where there is anything to be ranked by."
    ),
    cursor: str = Cursor,
) -> dict[str, Any]:
    """The papers that answer a search: ranked by words and by meaning, or in one of two orders. Twenty a page."""
    limit_as_pages(request, "search")
    query = parse(q)
    chosen = resolve_sort(sort, query)
    problems = list(query.problems)
    if query.root is None:
        position_of(cursor, SORTS[chosen])
        return {"items": [], "next": None, "sort": chosen, "problems": problems}
    found = search_page(
        SearchRequest(
            query=query,
            sort=chosen,
            after=position_of(cursor, SORTS[chosen]),
            viewer=viewer_with_scope(request) or AnonymousUser(),
            today=timezone.localdate(),
            now=timezone.now(),
        )
    )
    if found.timed_out:
        raise ProblemError(503, "This search took too long. Ask for less of it.", headers={"Retry-After": "60"})
    following = encode_cursor(found.next_position) if found.next_position else None
    return {
        "items": records_of_rows(request, found.rows),
        "next": following,
        "sort": found.sort,
        "problems": problems,
    }
