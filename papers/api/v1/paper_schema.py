"""A paper in an answer. All moments are UTC (RFC 3339), all days are dates of the calendar that is named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.conf import settings
from ninja import Field

from papers.api.v1.base import Record
from papers.models import Paper
from papers.services.reading.paper_versions import VersionChanges

LibraryStateName = Literal["to_read", "reading", "read", "not_interested"]

EXAMPLE: dict[str, Any] = {
    "id": "2603.01234",
    "url": "https://papers.example.org/papers/2603.01234",
    "title": "Tides in Shallow Seas",
    "abstract": "We measure how tides move through shallow seas.",
    "line": "We measure how tides move through shallow seas.",
    "authors": [{"name": "Ada Holm", "affiliation": None, "orcid": None}],
    "organization": None,
    "categories": ["physics.ao-ph", "physics.flu-dyn"],
    "primary_category": "physics.ao-ph",
    "published_at": "2026-03-03T18:59:59Z",
    "announced_on": "2026-03-04",
    "listed_at": "2026-03-04T00:00:00Z",
    "updated_at": None,
    "version": 1,
    "doi": None,
    "journal_ref": None,
    "comment": "12 pages",
    "venue": None,
    "license": "http://creativecommons.org/licenses/by/4.0/",
    "withdrawn": False,
    "links": {"abs": "https://arxiv.org/abs/2603.01234", "pdf": "https://arxiv.org/pdf/2603.01234"},
    "votes": 3,
    "comments": 1,
    "mine": None,
}


class PaperAuthor(Record):
    """An author, as the paper names them."""

    name: str
    affiliation: str | None = None
    orcid: str | None = Field(None, description="Sixteen digits in four groups, where the record has it.")


class OwnMarks(Record):
    """What the reader whose token it is has done with a paper."""

    voted: bool
    seen: bool
    library: LibraryStateName | None = Field(None, description="Its state in the library; null: it is not there.")
    tags: list[str]


class PaperRecord(Record):
    """A paper, whatever its sources."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}

    id: str = Field(
        description="Its place in all addresses: an arXiv id; else `doi/` and a DOI; else `p-` and letters."
    )
    url: str = Field(description="Its page on this site.")
    title: str = Field(description="May have TeX between dollar signs.")
    abstract: str = Field(description="May have TeX between dollar signs; empty where no source gives one.")
    line: str | None = Field(
        None, description="What it does: its aim and its result, out of the abstract; null where that is not known."
    )
    authors: list[PaperAuthor]
    organization: str | None
    categories: list[str] = Field(description="arXiv's, or of the archive it comes from; the first it was given first.")
    primary_category: str | None
    published_at: datetime | None = Field(description="When version 1 appeared. UTC.")
    announced_on: date | None = Field(description="arXiv's announcement date, US Eastern.")
    listed_at: datetime = Field(
        description="Announced, else published, else first seen here: what New is sorted by. UTC."
    )
    updated_at: datetime | None = Field(description="When its source made this version. UTC.")
    version: int | None
    doi: str | None
    journal_ref: str | None
    comment: str | None = Field(description="The authors' own, as on arXiv.")
    venue: str | None = Field(description="Where it was accepted, as read from the authors' comment.")
    license: str | None = Field(description="As its record names it, mostly an address.")
    withdrawn: bool
    links: dict[str, str] = Field(description="Addresses elsewhere by kind: `abs`, `pdf`, `html`, `code`, `project`.")
    votes: int = Field(description="Of this site's readers.")
    comments: int = Field(description="Of this site's readers.")
    mine: OwnMarks | None = Field(None, description="With a token that may read: what is its reader's own.")


class PaperPage(Record):
    """A page of a list of papers."""

    items: list[PaperRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class ExternalCount(Record):
    """What another site counts for a paper."""

    source: str
    votes: int | None
    comments: int | None


class PaperName(Record):
    """A name by which a source knows a paper."""

    scheme: str = Field(description="`arxiv`, `doi`, `openreview`, `s2`, `pmid`, `acl` or `url`.")
    value: str


class ChangedWords(Record):
    """Consecutive words of a text that changed."""

    side: Literal["same", "removed", "added"]
    text: str


class ChangedField(Record):
    """A field that a version changed."""

    field: Literal["title", "abstract", "comment"]
    words: list[ChangedWords] | None = Field(
        description="The words before and after, in the order of reading; null where most are other ones."
    )


class AbstractSentence(Record):
    """A sentence of an abstract, and what it is for, as this site's classifier says."""

    role: Literal["background", "aim", "method", "result", "resource"]
    text: str


class VersionRecord(Record):
    """One version of a paper."""

    version: int
    released_at: datetime | None = Field(description="As its source dates it. UTC.")
    changes: list[ChangedField] = Field(description="What differs from the version before, as far as it was seen here.")


class PaperDetail(PaperRecord):
    """A paper with what only its own page tells."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                EXAMPLE
                | {
                    "identifiers": [{"scheme": "arxiv", "value": "2603.01234"}],
                    "versions": [{"version": 1, "released_at": "2026-03-03T18:59:59Z", "changes": []}],
                    "elsewhere": [{"source": "huggingface", "votes": 12, "comments": 2}],
                    "sentences": [{"role": "aim", "text": "We measure how tides move through shallow seas."}],
                    "days": ["2026-03-04"],
                    "bibtex": "@misc{holm2026tides, …}",
                }
            ]
        }
    }

    identifiers: list[PaperName]
    versions: list[VersionRecord] = Field(description="The newest first.")
    elsewhere: list[ExternalCount]
    sentences: list[AbstractSentence] = Field(
        default_factory=list, description="Of its abstract, in order; empty until their roles are known."
    )
    days: list[date] = Field(description="The editions that list it, the oldest first; ten at most.")
    bibtex: str


def version_record(version: VersionChanges) -> VersionRecord:
    """A version as answers have it."""
    changes = [
        ChangedField.model_validate(
            {
                "field": change.field,
                "words": change.parts and [{"side": str(side), "text": text} for side, text in change.parts],
            }
        )
        for change in version.changes
    ]
    return VersionRecord(version=version.row.version, released_at=version.row.released_at, changes=changes)


def paper_record(paper: Paper, *, marks: OwnMarks | None) -> PaperRecord:
    """A paper as answers have it. No queries."""
    return PaperRecord(**paper_fields(paper, marks=marks))


def paper_fields(paper: Paper, *, marks: OwnMarks | None) -> dict[str, Any]:
    """The fields of `PaperRecord`. No queries."""
    return {
        "id": paper.public_id,
        "url": settings.SITE.origin + paper.get_absolute_url(),
        "title": paper.title,
        "abstract": paper.abstract,
        "line": paper.line or None,
        "authors": [
            PaperAuthor(name=row["name"], affiliation=row.get("affiliation") or None, orcid=row.get("orcid") or None)
            for row in paper.authors
        ],
        "organization": paper.organization or None,
        "categories": paper.categories,
        "primary_category": paper.primary_category or None,
        "published_at": paper.published_at,
        "announced_on": paper.announced_on,
        "listed_at": paper.listed_at,
        "updated_at": paper.updated_at,
        "version": paper.version,
        "doi": paper.doi or None,
        "journal_ref": paper.journal_ref or None,
        "comment": paper.comment or None,
        "venue": paper.venue or None,
        "license": paper.license or None,
        "withdrawn": paper.withdrawn_at is not None,
        "links": {kind: row["url"] for kind, row in paper.links.items()},
        "votes": paper.vote_count,
        "comments": paper.comment_count,
        "mine": marks,
    }
