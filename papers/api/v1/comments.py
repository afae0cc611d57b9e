"""Comments on papers: read, written, changed, deleted, reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Status

from papers.api.v1.base import (
    WRITE,
    ClientId,
    Cursor,
    Limit,
    PaperId,
    Record,
    RequestBody,
    RowKey,
    Text,
    asking,
    limit_as_pages,
    new_router,
    public,
    reader_of,
)
from papers.api.v1.pages import cut_page, position_of
from papers.api.v1.papers import readable_paper
from papers.models import ClientKey, Comment
from papers.models.comment import CommentPosition
from papers.services.accounts.client_keys import ClientKeyTakenError, MadeRow, make_once
from papers.services.reading.comments import (
    MAX_COMMENT_LENGTH,
    add_comment,
    delete_comment,
    edit_comment,
    report_comment,
)
from papers.text.cleaning import is_blank
from papers.web.permissions import comment_for_read, deletable_comment, own_comment
from papers.web.problems import ProblemError

router = new_router("Comments")
_EXAMPLE: dict[str, Any] = {
    "id": 17,
    "paper": "2603.01234",
    "url": "https://papers.example.org/papers/2603.01234#comment-17",
    "author": "rita",
    "answers": None,
    "body": "See @carl on *this*.",
    "created_at": "2026-03-04T12:00:00Z",
    "edited_at": None,
    "deleted": False,
}


class CommentRecord(Record):
    """A comment on a paper."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    id: int
    paper: str = Field(description="The paper's id.")
    url: str
    author: str | None = Field(description="A username; null where the account is gone.")
    answers: int | None = Field(description="The comment that it answers.")
    body: str = Field(description="Markdown; empty where it was deleted.")
    created_at: datetime = Field(description="UTC.")
    edited_at: datetime | None = Field(description="UTC.")
    deleted: bool


class CommentPage(Record):
    """Comments of a paper, the first written first."""

    items: list[CommentRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class CommentText(RequestBody):
    """What a comment says."""

    model_config = {"json_schema_extra": {"examples": [{"body": "See @carl on *this*."}]}}

    body: Text = Field(min_length=1, max_length=MAX_COMMENT_LENGTH, description="Markdown; @username names a reader.")


class NewComment(CommentText):
    """A comment to be written."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"id": "0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11", "body": "See @carl on *this*."}]
        }
    }

    id: ClientId
    answers: int | None = Field(None, ge=1, le=2**63 - 1, description="The comment on the same paper that it answers.")


class ReportText(RequestBody):
    """Why a comment should not stand."""

    model_config = {"json_schema_extra": {"examples": [{"reason": "Rude."}]}}

    reason: Text = Field("", max_length=1_000)


@router.get("/papers/{path:paper_id}/comments", response=CommentPage, summary="The comments on a paper", **public())
def list_comments(
    request: HttpRequest, paper_id: str = PaperId, cursor: str = Cursor, limit: int = Limit
) -> dict[str, Any]:
    """All comments, in the order they were written; what each answers says how they hang together."""
    paper = readable_paper(request, paper_id)
    after = position_of(cursor, CommentPosition)
    found = Comment.objects.of_paper(paper.pk, after=after.pk if after else 0)
    shown, following = cut_page(found, lambda last: CommentPosition(last.pk), limit=limit)
    for row in shown:
        row.paper = paper
    return {"items": [comment_record(row) for row in shown], "next": following}


@router.post(
    "/papers/{path:paper_id}/comments",
    response={201: CommentRecord, 200: CommentRecord},
    summary="Write a comment",
    **WRITE,
)
def create_comment(request: HttpRequest, body: NewComment, paper_id: str = PaperId) -> Status[CommentRecord]:
    """Comment on a paper. 200: it was written with this id before."""
    user, text = reader_of(request), _cleaned(body.body)
    paper = readable_paper(request, paper_id)
    parent = comment_for_read(user, body.answers) if body.answers else None
    if parent is not None and parent.paper_id != paper.pk:
        raise ProblemError(404, "There is no such comment on this paper.")
    limit_as_pages(request, "comment")
    made, is_new = make_once(
        user=user,
        key=body.id,
        kind=ClientKey.Kind.COMMENT,
        make=lambda: MadeRow(add_comment(user=user, paper_id=paper.pk, body=text, parent=parent).pk),
    )
    found = Comment.objects.select_related("paper", "user").filter(pk=made.made_id or 0, paper__hidden_at=None).first()
    if found is None:
        raise ProblemError(410, "It was made with this id, and is gone.")
    if found.paper_id != paper.pk:
        raise ClientKeyTakenError("This id was given to a comment on another paper.")
    return Status(201 if is_new else 200, comment_record(found))


@router.get("/comments/{int:comment_id}", response=CommentRecord, summary="One comment", **public())
def get_comment(request: HttpRequest, comment_id: int = RowKey) -> CommentRecord:
    """A comment that was not deleted."""
    return comment_record(comment_for_read(asking(request).user, comment_id))  # type: ignore[arg-type]  # a visitor's rights


@router.put("/comments/{int:comment_id}", response=CommentRecord, summary="Change a comment", **WRITE)
def put_comment(request: HttpRequest, body: CommentText, comment_id: int = RowKey) -> CommentRecord:
    """Change one's own comment; it says that it was edited."""
    user, text = reader_of(request), _cleaned(body.body)
    comment = own_comment(user, comment_id)
    limit_as_pages(request, "comment")
    edit_comment(comment=comment, body=text)
    return comment_record(own_comment(user, comment_id))


@router.delete("/comments/{int:comment_id}", response={204: None}, summary="Delete a comment", **WRITE)
def remove_comment(request: HttpRequest, comment_id: int = RowKey) -> Status[None]:
    """Delete one's own comment, for curators, with their scope, any; its place stays, so that answers keep theirs."""
    comment = deletable_comment(reader_of(request), comment_id)
    limit_as_pages(request, "comment")
    delete_comment(comment=comment)
    return Status(204, None)


@router.put("/comments/{int:comment_id}/report", response={204: None}, summary="Report a comment", **WRITE)
def put_report(request: HttpRequest, comment_id: int = RowKey, body: ReportText | None = None) -> Status[None]:
    """Tell the curators that a comment should not stand."""
    user = reader_of(request)
    comment = comment_for_read(user, comment_id)
    limit_as_pages(request, "report")
    report_comment(user=user, comment=comment, reason=body.reason if body else "")
    return Status(204, None)


def _cleaned(body: str) -> str:
    """The text as the form of pages stores it.

    Raises:
        ProblemError: 422, there is nothing in it.
    """
    cleaned = body.strip()
    if is_blank(cleaned):
        raise ProblemError(422, "Write something first.", errors=[{"pointer": "#/body", "detail": "It is empty."}])
    return cleaned


def comment_record(comment: Comment) -> CommentRecord:
    """A comment as answers have it; with its paper and user there, no queries."""
    return CommentRecord(
        id=comment.pk,
        paper=comment.paper.public_id,
        url=settings.SITE.origin + comment.get_absolute_url(),
        author=comment.user.username if comment.user and not comment.deleted_at else None,
        answers=comment.parent_id,
        body=comment.body,
        created_at=comment.created_at,
        edited_at=comment.edited_at,
        deleted=comment.deleted_at is not None,
    )
