"""Authors and organizations, and their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Field

from papers.api.v1.base import Cursor, Limit, Record, Slug, new_router, public
from papers.api.v1.pages import paper_page
from papers.api.v1.paper_schema import PaperPage
from papers.models.paper import NewestPosition
from papers.services.authors.lookup import (
    AuthorMovedError,
    Contributor,
    ContributorNotFoundError,
    find_author,
    find_organization,
    slug_of,
)
from papers.services.authors.profile import read_author_profile

router = new_router("Authors")


class YearCount(Record):
    """Papers of a year."""

    year: int
    papers: int


class CoauthorRecord(Record):
    """Another author of the same papers."""

    slug: str
    name: str
    papers: int


class AuthorRecord(Record):
    """An author or an organization, as far as the papers here tell."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "slug": "ada-holm",
                    "url": "https://papers.example.org/authors/ada-holm",
                    "name": "Ada Holm",
                    "orcids": ["0000-0002-1825-0097"],
                    "papers": 12,
                    "years": [{"year": 2026, "papers": 12}],
                    "coauthors": [{"slug": "wei-wang", "name": "Wei Wang", "papers": 4}],
                }
            ]
        }
    }

    slug: str
    url: str
    name: str
    orcids: list[str]
    papers: int = Field(description="5,000 at most are counted.")
    years: list[YearCount] = Field(description="The oldest first, none left out between.")
    coauthors: list[CoauthorRecord] = Field(description="Twelve at most; of an organization, its authors.")


@router.get("/authors/{slug}", response=AuthorRecord, summary="One author", **public())
def get_author(request: HttpRequest, slug: str = Slug) -> AuthorRecord:
    """An author by name, as in the address of the page; a spelling leads to the author it belongs to."""
    return _record(author_of(slug))


@router.get("/authors/{slug}/papers", response=PaperPage, summary="The papers of an author", **public())
def list_author_papers(
    request: HttpRequest, slug: str = Slug, cursor: str = Cursor, limit: int = Limit
) -> dict[str, Any]:
    """An author's papers, the newest first."""
    return _papers(request, author_of(slug), cursor, limit)


@router.get("/organizations/{slug}", response=AuthorRecord, summary="One organization", **public())
def get_organization(request: HttpRequest, slug: str = Slug) -> AuthorRecord:
    """An organization by name, as in the address of the page."""
    return _record(organization_of(slug))


@router.get("/organizations/{slug}/papers", response=PaperPage, summary="The papers of an organization", **public())
def list_organization_papers(
    request: HttpRequest, slug: str = Slug, cursor: str = Cursor, limit: int = Limit
) -> dict[str, Any]:
    """An organization's papers, the newest first."""
    return _papers(request, organization_of(slug), cursor, limit)


def author_of(slug: str) -> Contributor:
    """The author of an address, also by another spelling.

    Raises:
        Http404: no paper has such a name.
    """
    try:
        return _known(slug, find_author)
    except AuthorMovedError as moved:
        return _known(slug_of(moved.key), find_author)


def organization_of(slug: str) -> Contributor:
    """The organization of an address.

    Raises:
        Http404: no paper has it.
    """
    return _known(slug, find_organization)


def _known(slug: str, find: Callable[[str], Contributor]) -> Contributor:
    try:
        found = find(slug)
    except ContributorNotFoundError as error:
        raise Http404("No paper here has this name.") from error
    if not found.is_known and not read_author_profile(found).paper_count:
        raise Http404("No paper here has this name.")
    return found


def _papers(request: HttpRequest, who: Contributor, cursor: str, limit: int) -> dict[str, Any]:
    return paper_page(
        request, NewestPosition, lambda at: who.papers().newest_sorted(after=at), cursor=cursor, limit=limit
    )


def _record(who: Contributor) -> AuthorRecord:
    profile = read_author_profile(who)
    return AuthorRecord(
        slug=slug_of(who.key),
        url=settings.SITE.origin + who.get_absolute_url(),
        name=profile.name,
        orcids=list(dict.fromkeys([*([who.orcid] if who.orcid else []), *profile.orcids])),
        papers=profile.paper_count,
        years=[YearCount(year=year, papers=papers) for year, papers in profile.years],
        coauthors=[
            CoauthorRecord(slug=slug_of(person.key), name=person.name, papers=person.count) for person in profile.people
        ],
    )
