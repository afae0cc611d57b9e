"""A reader's votes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest
from ninja import Field

from papers.api.v1.base import (
    READ,
    WRITE,
    Cursor,
    Limit,
    PaperId,
    Record,
    RequestBody,
    limit_as_pages,
    new_router,
    reader_of,
)
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import PaperPage
from papers.api.v1.papers import readable_paper
from papers.models import Vote
from papers.models.keyset import row_less_than
from papers.services.reading.votes import VoteResult, set_vote

router = new_router("Votes")


class VotePosition(NamedTuple):
    """What a reader's votes are sorted by."""

    created_at: datetime
    pk: int


class VoteChoice(RequestBody):
    """How a vote is to be."""

    model_config = {"json_schema_extra": {"examples": [{"unnamed": True}]}}

    unnamed: bool | None = Field(
        None, description="Whether it hides the voter's name; null: as the reader chose for all."
    )


class VoteRecord(Record):
    """A reader's vote on a paper."""

    model_config = {"json_schema_extra": {"examples": [{"voted": True, "votes": 4}]}}

    voted: bool
    votes: int = Field(description="The paper's, with this one.")


@router.get("/votes", response=PaperPage, summary="Papers you voted for", **READ)
def list_votes(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """The papers that the reader voted for, the last vote first."""
    own = Vote.objects.filter(user=reader_of(request), paper__hidden_at=None).order_by("-created_at", "-pk")
    return paper_page(
        request,
        VotePosition,
        lambda at: own if at is None else own.filter(row_less_than(VotePosition._fields, at)),
        cursor=cursor,
        limit=limit,
    )


@router.put("/papers/{path:paper_id}/vote", response=VoteRecord, summary="Vote", **WRITE)
def put_vote(request: HttpRequest, paper_id: str = PaperId, body: VoteChoice | None = None) -> VoteRecord:
    """Vote for a paper. It counts as seen."""
    return _record(_set(request, paper_id, on=True, is_unnamed=body.unnamed if body else None))


@router.delete("/papers/{path:paper_id}/vote", response=VoteRecord, summary="Take a vote back", **WRITE)
def delete_vote(request: HttpRequest, paper_id: str = PaperId) -> VoteRecord:
    """Take the reader's vote back, if there is one."""
    return _record(_set(request, paper_id, on=False))


def _set(request: HttpRequest, paper_id: str, *, on: bool, is_unnamed: bool | None = None) -> VoteResult:
    user = reader_of(request)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "vote")
    return set_vote(user=user, paper_id=paper.pk, on=on, is_unnamed=is_unnamed)


def _record(result: VoteResult) -> VoteRecord:
    return VoteRecord(voted=result.is_on, votes=result.vote_count)
