"""Tags: a reader's own and those that others share; put on papers and taken off."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Status
from ninja.params.functions import Path

from papers.api.v1.base import (
    WRITE,
    Cursor,
    Limit,
    PaperId,
    Record,
    RequestBody,
    Text,
    asking,
    limit_as_pages,
    new_router,
    public,
    reader_of,
    viewer_with_scope,
)
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import PaperPage
from papers.api.v1.papers import readable_paper
from papers.models import Tag, TaggedPaper, User
from papers.models.library import MAX_TAG_LENGTH, TaggedPosition
from papers.services.reading.tags import (
    TagError,
    add_tags,
    delete_tag,
    ensure_tag,
    parse_tag_name,
    remove_tags,
    rename_tag,
    share_tag,
    tag_names_of_paper,
)
from papers.web.permissions import own_tag, tag_for_read
from papers.web.problems import ProblemError

router = new_router("Tags")
MAX_TAGS = 1_000
_TagName = Path(..., max_length=MAX_TAG_LENGTH, description="Without `#`; case counts for nothing.", example="tides")
_Owner = Path(..., max_length=30, description="A reader's username.", example="rita")


class TagRecord(Record):
    """A reader's own word for papers."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"owner": "rita", "name": "tides", "is_own": True, "shared": False, "papers": 12}]
        }
    }

    owner: str
    name: str
    is_own: bool
    shared: bool = Field(description="Everybody who may read the site sees it.")
    papers: int | None = Field(None, description="Papers with it; null where they were not counted.")


class TagList(Record):
    """Tags by name, a thousand at most."""

    items: list[TagRecord]


class TagChoice(RequestBody):
    """How a tag is to be."""

    model_config = {"json_schema_extra": {"examples": [{"shared": True}]}}

    shared: bool | None = Field(None, description="null: as it is; a new one is not shared.")
    name: Text | None = Field(
        None,
        max_length=MAX_TAG_LENGTH,
        description="Another name. One that the reader has already: the two become one.",
    )


class TagNames(Record):
    """The reader's tags on a paper."""

    tags: list[str]


@router.get("/tags", response=TagList, summary="Tags", **public())
def list_tags(request: HttpRequest) -> dict[str, Any]:
    """Those that readers share; with a token that may read, its reader's own, too."""
    viewer = viewer_with_scope(request)
    found = (
        Tag.objects.readable_by(viewer) if viewer else Tag.objects.filter(shared_at__isnull=False, user__is_active=True)
    )
    rows = found.with_counts().select_related("user").order_by("name", "pk")[:MAX_TAGS]
    return {"items": [_record(tag, viewer, papers=tag.paper_count) for tag in rows]}  # type: ignore[attr-defined]  # with_counts


@router.put("/tags/{name}", response=TagRecord, summary="Make or change a tag", **WRITE)
def put_tag(request: HttpRequest, name: str = _TagName, body: TagChoice | None = None) -> TagRecord:
    """Have a tag of this name; share it or not; rename it."""
    user, choice = reader_of(request), body or TagChoice(shared=None, name=None)
    cleaned = _cleaned(name)
    limit_as_pages(request, "library")
    tag = ensure_tag(user=user, name=cleaned)
    if choice.name is not None:
        tag = rename_tag(tag=tag, name=choice.name)
    if choice.shared is not None:
        share_tag(tag=tag, on=choice.shared)
    return _record(tag, user)


@router.delete("/tags/{name}", response={204: None}, summary="Delete a tag", **WRITE)
def remove_tag(request: HttpRequest, name: str = _TagName) -> Status[None]:
    """Delete a tag of one's own. The papers stay."""
    user = reader_of(request)
    tag = own_tag(user, user.username, _cleaned(name))
    limit_as_pages(request, "library")
    delete_tag(tag=tag)
    return Status(204, None)


@router.get("/tags/{owner}/{name}/papers", response=PaperPage, summary="The papers of a tag", **public())
def list_tag_papers(
    request: HttpRequest, owner: str = _Owner, name: str = _TagName, cursor: str = Cursor, limit: int = Limit
) -> dict[str, Any]:
    """The papers with a tag that is shared, or the reader's own; last tagged first."""
    tag = tag_for_read(asking(request).user, owner, name)
    if tag.shared_at is None and viewer_with_scope(request) is None:
        raise ProblemError(404, "There is no such tag.")
    return paper_page(
        request, TaggedPosition, lambda at: TaggedPaper.objects.newest_of(tag, after=at), cursor=cursor, limit=limit
    )


@router.put("/papers/{path:paper_id}/tags/{name}", response=TagNames, summary="Tag a paper", **WRITE)
def put_paper_tag(request: HttpRequest, paper_id: str = PaperId, name: str = _TagName) -> TagNames:
    """Put a tag on a paper; the tag is made if it is not there."""
    user, cleaned = reader_of(request), _cleaned(name)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    add_tags(user=user, paper_ids=[paper.pk], names=[cleaned])
    return TagNames(tags=tag_names_of_paper(user=user, paper_id=paper.pk))


@router.delete("/papers/{path:paper_id}/tags/{name}", response=TagNames, summary="Untag a paper", **WRITE)
def delete_paper_tag(request: HttpRequest, paper_id: str = PaperId, name: str = _TagName) -> TagNames:
    """Take a tag off a paper; the tag stays."""
    user, cleaned = reader_of(request), _cleaned(name)
    paper = readable_paper(request, paper_id)
    limit_as_pages(request, "library")
    remove_tags(user=user, paper_ids=[paper.pk], names=[cleaned])
    return TagNames(tags=tag_names_of_paper(user=user, paper_id=paper.pk))


def _cleaned(name: str) -> str:
    """A tag's name as it is stored.

    Raises:
        TagError: it is empty, or cannot be a tag.
    """
    cleaned = parse_tag_name(name)
    if not cleaned:
        raise TagError("Enter a name for the tag.")
    return cleaned


def _record(tag: Tag, viewer: User | None, *, papers: int | None = None) -> TagRecord:
    return TagRecord(
        owner=tag.user.username,
        name=tag.name,
        is_own=viewer is not None and tag.user_id == viewer.pk,
        shared=tag.shared_at is not None,
        papers=papers,
    )
