"""Papers: the newest, one, those like it."""

from __future__ import annotations

from typing import Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import Cursor, Limit, PaperId, Record, asking, new_router, public, viewer_with_scope
from papers.api.v1.pages import marks_of, paper_page, records_of
from papers.api.v1.paper_schema import (
    AbstractSentence,
    ExternalCount,
    PaperDetail,
    PaperName,
    PaperPage,
    PaperRecord,
    paper_fields,
    version_record,
)
from papers.catalogue.categories import find_category
from papers.catalogue.identifiers import parse_arxiv_id
from papers.models import Paper, PaperCategory
from papers.models.paper import CategoryPosition, NewestPosition, TrendingPosition
from papers.services.embeddings.facet_likeness import similar_in
from papers.services.lists.trending import trending_floor
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.reading.paper_page import citation_of, find_moved_paper, identifiers_of, paper_details
from papers.text.abstract_roles import LikenessFacet, read_roles
from papers.web.permissions import paper_for_read

lists = new_router("Papers")
router = new_router("Papers")


class SimilarPapers(Record):
    """Papers close in meaning."""

    items: list[PaperRecord]
    facet: str = Field(description="In what they are like it; empty: overall.")
    sentences: list[str] = Field(
        description="Of each item the sentence that tells of the facet and comes closest; empty where none does."
    )


@lists.get("/papers", response=PaperPage, summary="The newest papers", **public())
def list_papers(
    request: HttpRequest,
    category: str = Query("", max_length=40, description="Of one arXiv category alone.", example="cs.CL"),
    cursor: str = Cursor,
    limit: int = Limit,
) -> dict[str, Any]:
    """All papers here, by `listed_at`, the newest first; those of one category, where it is given."""
    if not category:
        newest = Paper.objects.visible()
        return paper_page(request, NewestPosition, lambda at: newest.newest(after=at), cursor=cursor, limit=limit)
    found = find_category(category)
    if found is None:
        return {"items": [], "next": None}
    code = found.code
    return paper_page(
        request,
        CategoryPosition,
        lambda at: PaperCategory.objects.newest(code, after=at),
        cursor=cursor,
        limit=limit,
    )


@lists.get("/trending", response=PaperPage, summary="Trending papers", **public())
def list_trending(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """Papers with votes lately, by a score in which a vote counts less with time."""
    floor = trending_floor(now=timezone.now())
    return paper_page(
        request,
        TrendingPosition,
        lambda at: Paper.objects.visible().trending(min_score=floor, after=at),
        cursor=cursor,
        limit=limit,
    )


@lists.get("/papers/{path:paper_id}/similar", response=SimilarPapers, summary="Similar papers", **public())
def list_similar(
    request: HttpRequest,
    paper_id: str = PaperId,
    limit: int = Query(6, ge=1, le=6),
    facet: Literal["", "subject", "method", "result"] = Query(
        "",
        description="In what they are to be like it: by the sentences of the abstract that tell of it. Empty: overall.",
    ),
) -> dict[str, Any]:
    """The papers closest in meaning, the closest first; none where meanings are not known yet.

    With `facet`, the closest by what their abstracts say of it. `facet` of the answer is empty where the paper's own
    abstract has no such sentence: then they are similar overall.
    """
    found = similar_in(readable_paper(request, paper_id), LikenessFacet(facet) if facet else None)
    some = found.items[:limit]
    return {
        "items": records_of(request, [each.paper for each in some]),
        "facet": found.facet or "",
        "sentences": [each.sentence for each in some],
    }


@router.get("/papers/{path:paper_id}", response=PaperDetail, summary="One paper", **public())
def get_paper(request: HttpRequest, paper_id: str = PaperId) -> PaperDetail:
    """A paper with its versions, its names, and what other sites count.

    An address that it had before, and an arXiv id with a version, lead to it as well: `id` is the one it has now.
    """
    paper = readable_paper(request, paper_id)
    viewer = viewer_with_scope(request)
    marks = marks_of(read_viewer_state(viewer, [paper.pk]) if viewer else None, paper.pk)
    details = paper_details(paper)
    return PaperDetail(
        **paper_fields(paper, marks=marks),
        identifiers=[PaperName(scheme=one.scheme, value=one.value) for one in identifiers_of(paper)],
        versions=[version_record(one) for one in details.versions],
        elsewhere=[
            ExternalCount(source=one.source, votes=one.votes, comments=one.comments) for one in details.external_counts
        ],
        days=details.days,
        sentences=[
            AbstractSentence(role=each.role.value, text=paper.abstract[each.start : each.end])
            for each in read_roles(paper.abstract, paper.sentence_roles)
        ],
        bibtex=citation_of(paper).bibtex,
    )


def readable_paper(request: HttpRequest, paper_id: str) -> Paper:
    """The paper that an address names, if whoever asks may see it. One query; at most four for a former address.

    Raises:
        Http404: there is none.
    """
    viewer = asking(request).user
    try:
        return paper_for_read(viewer, paper_id)
    except Http404:
        named = parse_arxiv_id(paper_id)
        now = find_moved_paper(paper_id) or (named.value if named else None)
        if now is None or now == paper_id:
            raise
    return paper_for_read(viewer, now)
