"""A paper as citations need it, the key that names it for good, and what a format says of itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from papers.citations.person_names import PersonName, parse_name
from papers.sources.base import OWN_RECORD
from papers.sources.provenance import provenance, record_name
from papers.text.cleaning import fold

_NEW_ARXIV_ID = re.compile(r"(\d\d)(\d\d)\.\d{4,5}")
_OLD_ARXIV_ID = re.compile(r"[a-z.-]+/(\d\d)(\d\d)\d{3}", re.I)


class CitablePaper(Protocol):
    """What is read of a stored paper: columns of `Paper`. Without a `record_rank`, its words are its own record's."""

    public_id: str
    title: str
    abstract: str
    authors: Any
    categories: list[str]
    primary_category: str
    published_at: Any
    announced_on: Any
    version: int | None
    doi: str
    journal_ref: str
    comment: str
    venue: str
    links: Any
    withdrawn_at: Any


@dataclass(frozen=True, slots=True)
class CitationRecord:
    """One paper. Texts are as stored: Unicode, formulas between dollars."""

    key: str
    public_id: str
    title: str
    abstract: str
    names: tuple[PersonName, ...]
    published: date | None
    year: int | None
    arxiv_id: str
    categories: tuple[str, ...]
    primary_category: str
    doi: str
    journal_ref: str
    venue: str
    comment: str
    url: str
    pdf_url: str
    version: int | None
    is_withdrawn: bool
    words_of: str = ""
    """Whose words title, authors and abstract are, where they are not those of the paper's own record."""


CitationWriter = Callable[[Iterable[CitationRecord]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class CitationFormat:
    """A format that papers can be taken away in. Its name ends the address: `/papers/2603.01234.bib`."""

    name: str
    label: str
    media_type: str
    suffix: str
    """Of the file that is saved."""
    write: CitationWriter
    """Papers as text, in parts as they come, one paper at a time."""


def citation_record(paper: CitablePaper) -> CitationRecord:
    """The record of a stored paper. No queries."""
    arxiv_id = paper.public_id if _arxiv_year(paper.public_id) else ""
    published = getattr(paper.published_at, "date", lambda: paper.announced_on)()
    year = _arxiv_year(paper.public_id) or (published.year if published else None)
    names = tuple(parse_name(row["name"]) for row in paper.authors if row.get("name"))
    links = paper.links or {}
    url = links.get("abs", {}).get("url", "") or _address(arxiv_id, paper.doi)
    return CitationRecord(
        key=citation_key(paper.public_id, names, year),
        public_id=paper.public_id,
        title=paper.title,
        abstract=paper.abstract,
        names=names,
        published=published,
        year=year,
        arxiv_id=arxiv_id,
        categories=tuple(paper.categories),
        primary_category=paper.primary_category,
        doi=paper.doi,
        journal_ref=paper.journal_ref,
        venue=paper.venue,
        comment=paper.comment,
        url=url,
        pdf_url=links.get("pdf", {}).get("url", ""),
        version=paper.version,
        is_withdrawn=paper.withdrawn_at is not None,
        words_of=_words_of(paper),
    )


def _words_of(paper: CitablePaper) -> str:
    whose = provenance(paper.public_id, getattr(paper, "record_rank", OWN_RECORD))
    return f"Title and authors by {whose}, not by {record_name(paper.public_id)}" if whose else ""


def citation_key(public_id: str, names: tuple[PersonName, ...], year: int | None) -> str:
    """`vaswani2017-1706.03762`: first author, year, and the paper's own id, so that no list has two of them.

    ASCII letters, digits, `.`, `-`, `_`: what every BibTeX takes. An id with other characters ends in a digest of it.
    """
    family = re.sub(r"[^a-z0-9]", "", fold(names[0].family)) if names else ""
    plain = re.sub(r"[^A-Za-z0-9.-]", "_", public_id)
    if plain != public_id and not _OLD_ARXIV_ID.fullmatch(public_id):
        plain = f"{plain[:40]}-{hashlib.sha256(public_id.encode()).hexdigest()[:8]}"
    return f"{family[:30] or 'paper'}{year or ''}-{plain}"


def _address(arxiv_id: str, doi: str) -> str:
    if arxiv_id:
        return f"https://arxiv.org/abs/{arxiv_id}"
    return f"https://doi.org/{doi}" if doi else ""


def _arxiv_year(public_id: str) -> int | None:
    """The year in an arXiv id, which never changes; None for other ids."""
    found = _NEW_ARXIV_ID.fullmatch(public_id) or _OLD_ARXIV_ID.fullmatch(public_id)
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    return 1900 + int(found[1]) if int(found[1]) >= 91 else 2000 + int(found[1])
