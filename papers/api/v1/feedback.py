"""What a reader says of papers for the recommendations: more like this, less like this."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Status

from papers.api.v1.base import WRITE, PaperId, Record, RequestBody, limit_as_pages, new_router, reader_of
from papers.api.v1.papers import readable_paper
from papers.services.recommend.feedback import set_feedback

router = new_router("Recommendations")
_EXAMPLE: dict[str, Any] = {"examples": [{"feedback": "more"}]}


class FeedbackChoice(RequestBody):
    """What is wanted."""

    model_config = {"json_schema_extra": _EXAMPLE}

    feedback: Literal["more", "less"] = Field(description="More papers like this one, or less.")


class FeedbackRecord(Record):
    """What the reader said of a paper."""

    model_config = {"json_schema_extra": _EXAMPLE}

    feedback: Literal["more", "less"]


@router.put("/papers/{path:paper_id}/feedback", response=FeedbackRecord, summary="More or less like this", **WRITE)
def put_feedback(request: HttpRequest, body: FeedbackChoice, paper_id: str = PaperId) -> FeedbackRecord:
    """Have For you bring more, or less, like a paper. It counts as seen; nobody else is told."""
    _set(request, paper_id, body.feedback)
    return FeedbackRecord(feedback=body.feedback)


@router.delete("/papers/{path:paper_id}/feedback", response={204: None}, summary="Take it back", **WRITE)
def delete_feedback(request: HttpRequest, paper_id: str = PaperId) -> Status[None]:
    """Take back what the reader said of a paper, if anything."""
    _set(request, paper_id, "")
    return Status(204, None)


def _set(request: HttpRequest, paper_id: str, kind: str) -> None:
    user = reader_of(request)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    set_feedback(user=user, paper_id=paper.pk, kind=kind, now=timezone.now())
