"""Whom a reader follows, and what that brings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Status

from papers.api.v1.authors import author_of, organization_of
from papers.api.v1.base import READ, WRITE, Cursor, Limit, Record, Slug, limit_as_pages, new_router, reader_of
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import PaperPage
from papers.models import Followed
from papers.models.paper import NewestPosition
from papers.services.authors.lookup import Contributor, slug_of
from papers.services.authors.profile import read_author_profile
from papers.services.reading.follows import follow, followed_papers, unfollow

router = new_router("Follows")


class FollowRecord(Record):
    """An author or organization that the reader follows."""

    model_config = {"json_schema_extra": {"examples": [{"kind": "author", "slug": "ada-holm", "name": "Ada Holm"}]}}

    kind: str = Field(description="`author` or `organization`.")
    slug: str
    name: str


class FollowList(Record):
    """Whom a reader follows, 500 at most."""

    items: list[FollowRecord]


@router.get("/follows", response=FollowList, summary="Whom you follow", **READ)
def list_follows(request: HttpRequest) -> dict[str, Any]:
    """The authors and organizations that the reader follows."""
    rows = Followed.objects.of(reader_of(request))
    return {"items": [FollowRecord(kind=one.kind, slug=slug_of(one.key), name=one.name) for one in rows]}


@router.get("/follows/papers", response=PaperPage, summary="Papers by whom you follow", **READ)
def list_followed_papers(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """The papers of all that the reader follows, the newest first."""
    user = reader_of(request)
    return paper_page(request, NewestPosition, lambda at: followed_papers(user, after=at), cursor=cursor, limit=limit)


@router.put("/follows/authors/{slug}", response=FollowRecord, summary="Follow an author", **WRITE)
def put_author_follow(request: HttpRequest, slug: str = Slug) -> FollowRecord:
    """Follow an author, named as in the address of the page."""
    return _follow(request, author_of(slug))


@router.delete("/follows/authors/{slug}", response={204: None}, summary="Unfollow an author", **WRITE)
def delete_author_follow(request: HttpRequest, slug: str = Slug) -> Status[None]:
    """No longer follow an author."""
    return _unfollow(request, Followed.Kind.AUTHOR, slug)


@router.put("/follows/organizations/{slug}", response=FollowRecord, summary="Follow an organization", **WRITE)
def put_organization_follow(request: HttpRequest, slug: str = Slug) -> FollowRecord:
    """Follow an organization, named as in the address of the page."""
    return _follow(request, organization_of(slug))


@router.delete("/follows/organizations/{slug}", response={204: None}, summary="Unfollow an organization", **WRITE)
def delete_organization_follow(request: HttpRequest, slug: str = Slug) -> Status[None]:
    """No longer follow an organization."""
    return _unfollow(request, Followed.Kind.ORGANIZATION, slug)


def _follow(request: HttpRequest, who: Contributor) -> FollowRecord:
    limit_as_pages(request, "follow")
    name = read_author_profile(who).name
    follow(user=reader_of(request), contributor=who, name=name, now=timezone.now())
    return FollowRecord(kind=who.kind, slug=slug_of(who.key), name=name)


def _unfollow(request: HttpRequest, kind: str, slug: str) -> Status[None]:
    """What is followed may have no papers any more, so its name is not looked up."""
    limit_as_pages(request, "follow")
    unfollow(user=reader_of(request), kind=kind, key=slug.replace("-", " "))
    return Status(204, None)
