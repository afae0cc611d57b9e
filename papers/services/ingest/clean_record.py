"""From a record as a source sent it to one that can be stored: text cleaned, identifiers in their one form. No ORM."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from urllib.parse import quote

from papers.catalogue.categories import canonical_categories
from papers.catalogue.identifiers import ArxivId, arxiv_id_of_doi, arxiv_month, parse_arxiv_id, parse_dois
from papers.catalogue.json_columns import AuthorRow, LinkRow
from papers.catalogue.links import FoundLinks, find_links
from papers.sources.base import ExternalCounts, RawListing, RawPaper, RawVersion
from papers.sources.registry import RECORD_SOURCES
from papers.text.cleaning import clean_abstract, clean_line, clean_title, safe_text
from papers.text.names import author_key, clean_name, in_order_of_speech, is_one_person, split_authors
from papers.text.urls import normalise_url

# Names under which sources know a paper, beside arXiv ids, DOIs and addresses; the schemes of `models.Identifier`.
OTHER_SCHEMES = frozenset({"openreview", "s2", "pmid", "acl"})
STRONG_SCHEMES = frozenset({"arxiv", "doi"})
"""Names that somebody gives out, and has a record for."""

# Far above what papers have, far below what an index or a text search vector refuses.
MAX_TITLE, MAX_ABSTRACT, MAX_LINE = 5_000, 100_000, 10_000
MAX_AUTHOR_KEY, MAX_IDENTIFIER = 200, 500

# From here on arXiv makes HTML of most papers.
_FIRST_HTML = date(2023, 12, 1)

_NAME_OF_OTHER = re.compile(r"[a-z][a-z0-9+.-]{1,20}:\S+", re.I)
_WORK = (
    r"(?:paper|article|submission|manuscript|work|preprint|note|letter|report|comment|e-?print|version|draft|document)"
)
_GONE = r"(?:withdrawn|retracted)"
# From a conference or journal: that says nothing of the paper here.
_NOT_ELSEWHERE = r"(?!\s+(?:by\s+(?:the\s+)?(?:authors?|us)\s+)?(?:from(?!\s+(?:the\s+)?arxiv\b)|at|before|prior)\b)"
_SUBMITTED = re.compile(r"\b(?:submitted|submission|under review|rejected|openreview)\b", re.I)
_WITHDRAWN = re.compile(
    rf"\b(?:this|the|our|present)\s+(?:(?-i:(?![A-Z]{{3,20}}\s+submission))\w+\s+)?{_WORK}(?:\s*\([^)]{{0,60}}\))?"
    r"(?:\s+is\s+[\w ]{3,30},?\s+and)?,?\s+(?:has|have|is|was|had)\s+(?:now\s+|hereby\s+|temporarily\s+)?"
    rf"(?:been\s+)?(?:temporarily\s+)?{_GONE}\b{_NOT_ELSEWHERE}"
    rf"|(?P<bare>(?:^\s*+|[.;]\s++)(?:{_WORK}\s*+)?{_GONE}\b"
    r"(?=\s*+(?:$|[.,;:(]|(?:by|due|because|since|as|for|from|and|in|until|pending)\b)))"
    rf"{_NOT_ELSEWHERE}"
    rf"|\b(?:withdraw|retract)\s+(?:this|the|our)\s+{_WORK}\b{_NOT_ELSEWHERE}"
    rf"|\b(?:have|had|decided?|want|wish)\s+to\s+(?:withdraw|retract)\s+it\b{_NOT_ELSEWHERE}"
    r"|^withdrawing\b",
    re.I,
)
# In a long abstract these words may be about other papers.
_ABSTRACT_START = 200


class RecordError(Exception):
    """A record that cannot be stored; the message says why, in a curator's words."""


@dataclass(frozen=True, slots=True)
class CleanPaper:
    """A record ready to be stored. None means "not said", as in `RawPaper`."""

    source: str
    rank: int
    identifiers: tuple[tuple[str, str], ...]
    """(scheme, value), the arXiv id first, each once; never empty."""
    arxiv_id: str | None
    version: int | None
    title: str
    title_raw: str
    abstract: str | None
    abstract_raw: str | None
    authors: tuple[AuthorRow, ...] | None
    author_keys: tuple[str, ...]
    organization: str | None
    categories: tuple[str, ...] | None
    published_at: datetime | None
    updated_at: datetime | None
    announced_on: date | None
    doi: str | None
    journal_ref: str | None
    comment: str | None
    license: str | None
    is_withdrawn: bool | None
    links: dict[str, LinkRow]
    """What the source itself says; what stands in the texts is in `found`."""
    found: FoundLinks
    versions: tuple[RawVersion, ...]
    external_counts: ExternalCounts | None
    listed_on: RawListing | None
    claim: tuple[str, str] | None = None
    """The arXiv id or DOI that it claims to be about, and that is not one of its identifiers: see `claims.py`."""


def clean_record(raw: RawPaper) -> CleanPaper:
    """The record cleaned.

    Raises:
        RecordError: it has no title or nothing to know it by.
    """
    title = clean_title(raw.title)[:MAX_TITLE]
    if not title:
        raise RecordError("The record has no title.")
    claim = None
    arxiv, dois, identifiers = _identifiers(raw)
    if RECORD_SOURCES[raw.source].only_claims:
        claim, identifiers = _claim(identifiers, raw.url)
        arxiv, dois = None, ()
    abstract = None if raw.abstract is None else clean_abstract(raw.abstract[:MAX_ABSTRACT])
    comment = _line(raw.comment)
    authors = _authors(raw)
    versions = tuple(sorted(raw.versions, key=lambda version: version.number))
    return CleanPaper(
        source=raw.source,
        rank=RECORD_SOURCES[raw.source].rank,
        identifiers=identifiers,
        arxiv_id=arxiv.value if arxiv else None,
        version=raw.version or (versions[-1].number if versions else None) or (arxiv.version if arxiv else None),
        title=title,
        title_raw=safe_text(raw.title)[:MAX_TITLE],
        abstract=abstract,
        abstract_raw=None if raw.abstract is None else safe_text(raw.abstract)[:MAX_ABSTRACT],
        authors=authors,
        author_keys=author_keys(authors or ()),
        organization=_line(raw.organization),
        categories=None if raw.categories is None else canonical_categories(raw.categories),
        published_at=_published_at(raw, arxiv),
        updated_at=_aware(raw.updated_at) or (_aware(versions[-1].released_at) if versions else None),
        announced_on=raw.announced_on,
        doi=dois[0] if dois else (None if raw.doi is None or claim else ""),
        journal_ref=None if raw.journal_ref is None else _without_tex(raw.journal_ref)[:MAX_LINE],
        comment=comment,
        license=_line(raw.license),
        is_withdrawn=True if says_withdrawn(comment or "", abstract or "") else raw.is_withdrawn,
        links=_links(raw, arxiv, dois),
        found=find_links(title, abstract or "", comment or ""),
        versions=tuple(RawVersion(version.number, _aware(version.released_at)) for version in versions),
        external_counts=_figures(raw.external_counts),
        listed_on=raw.listed_on and replace(raw.listed_on, submitter=clean_line(raw.listed_on.submitter)[:MAX_LINE]),
        claim=claim,
    )


def public_id(identifiers: Iterable[tuple[str, str]]) -> str:
    """The address of a paper with these identifiers: its arXiv id, else `doi/…`, else `p-` and ten letters.

    The letters are made from the first identifier, so that the same record gets the same address everywhere.
    """
    pairs = list(identifiers)
    for scheme, prefix in (("arxiv", ""), ("doi", "doi/")):
        for known, value in pairs:
            if known == scheme:
                return prefix + value
    digest = hashlib.sha256(":".join(pairs[0]).encode()).digest()
    letters = base64.b32encode(digest).decode("ascii").lower()
    return "p-" + "".join(char for char in letters if char.isalpha())[:10]


def says_withdrawn(comment: str, abstract: str) -> bool:
    """Whether the authors or arXiv say so in words: the search API and the feeds have no other sign of it."""
    words = f"{comment} {abstract[:_ABSTRACT_START]}".lower()
    if "withdr" not in words and "retract" not in words:
        return False
    return any(map(_says_gone, (comment, abstract[:_ABSTRACT_START])))


def _says_gone(text: str) -> bool:
    """Whether the words are about the paper here, and not about a conference to which it was submitted."""
    submitted = _SUBMITTED.search(text)
    for match in _WITHDRAWN.finditer(text):
        if match["bare"] is None or submitted is None or match.start() < submitted.start():
            return True
    return False


def _identifiers(raw: RawPaper) -> tuple[ArxivId | None, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The arXiv id, the DOIs that are not arXiv's own, and all identifiers.

    Raises:
        RecordError: it has no identifier.
    """
    dois: dict[str, None] = {}
    arxiv = parse_arxiv_id(raw.arxiv_id) if raw.arxiv_id else None
    others: dict[tuple[str, str], None] = {}
    for scheme, value in (("doi", raw.doi or ""), *raw.identifiers):
        if scheme == "arxiv":
            arxiv = arxiv or parse_arxiv_id(value)
        elif scheme == "doi":
            for doi in parse_dois(value):
                arxiv = arxiv or arxiv_id_of_doi(doi)
                if arxiv_id_of_doi(doi) is None and len(doi) <= MAX_IDENTIFIER:
                    dois[doi] = None
        elif name := _other_identifier(scheme, value):
            others[name] = None
    if arxiv is None and raw.url and not RECORD_SOURCES[raw.source].only_claims:
        arxiv = parse_arxiv_id(raw.url)
    found = [("arxiv", arxiv.value)] if arxiv else []
    found += [("doi", doi) for doi in dois] + list(others)
    if not found and raw.url and (url := normalise_url(raw.url)) and len(url) <= MAX_IDENTIFIER:
        found = [("url", url)]
    if not found:
        raise RecordError(f"Not an arXiv id: {raw.arxiv_id}" if raw.arxiv_id else "The record has no identifier.")
    return arxiv, tuple(dois), tuple(found)


def _claim(
    names: Iterable[tuple[str, str]], url: str | None
) -> tuple[tuple[str, str] | None, tuple[tuple[str, str], ...]]:
    """What such a record claims to be about, and what it is known by itself: its own addresses, else that page."""
    names = tuple(names)
    claim = next((name for name in names if name[0] in STRONG_SCHEMES), None)
    own = tuple(name for name in names if name[0] == "url")
    if claim and not own:
        host = "arxiv.org/abs" if claim[0] == "arxiv" else "doi.org"
        page = normalise_url(url or "") or f"https://{host}/{quote(claim[1], safe='/:;()')}"
        own = (("url", page[:MAX_IDENTIFIER]),)
    return claim, own


def _other_identifier(scheme: str, value: str) -> tuple[str, str] | None:
    value = clean_line(value)
    if scheme == "url":
        # A feed's guid need not be an address; any URI is as good a name.
        is_name = _NAME_OF_OTHER.fullmatch(value) and not value.lower().startswith("http")
        value = normalise_url(value) or (value if is_name else "")
    elif scheme not in OTHER_SCHEMES:
        raise RecordError(f"Unknown kind of identifier: {scheme}")
    return (scheme, value) if value and len(value) <= MAX_IDENTIFIER else None


def _authors(raw: RawPaper) -> tuple[AuthorRow, ...] | None:
    given: Iterator[tuple[str, str, str]]
    if raw.authors is not None:
        turns = RECORD_SOURCES[raw.source].only_claims  # feeds write "Holm, Chiara", and nothing says which is which
        given = (
            (clean_name(_turned(each.name) if turns else each.name), _without_tex(each.affiliation), each.orcid)
            for each in raw.authors
        )
    elif raw.authors_text is not None:
        given = ((each.name, each.affiliation or "", "") for each in split_authors(raw.authors_text))
    else:
        return None
    return tuple(_author_row(*author) for author in given if author[0])


def _turned(name: str) -> str:
    return in_order_of_speech(name) if "," in name and is_one_person(name) else name


def _without_tex(text: str) -> str:
    """A name of a journal or place on one line, its TeX as Unicode."""
    return clean_title(text) if "\\" in text or "{" in text or "$" in text or "~" in text else clean_line(text)


def _author_row(name: str, affiliation: str, orcid: str) -> AuthorRow:
    row = AuthorRow(name=name)
    if affiliation:
        row["affiliation"] = affiliation
    if orcid:
        row["orcid"] = orcid
    return row


def author_keys(authors: Iterable[AuthorRow]) -> tuple[str, ...]:
    """Each key once. Cut, because some records hold all their authors in one name and an index takes 2,700 bytes."""
    keys = (author_index_key(author["name"]) for author in authors)
    return tuple(dict.fromkeys(key for key in keys if key))


def author_index_key(name: str) -> str:
    """What the index has of a name, as long as an index takes it."""
    return author_key(name)[:MAX_AUTHOR_KEY].rstrip()


def _published_at(raw: RawPaper, arxiv: ArxivId | None) -> datetime | None:
    """When version 1 appeared. A date from elsewhere that is long after the month in the arXiv id is none."""
    if raw.versions and (first := min(raw.versions, key=lambda version: version.number)).number == 1:
        return _aware(first.released_at or raw.published_at)
    published = _aware(raw.published_at)
    if published is None or arxiv is None or RECORD_SOURCES[raw.source].is_archive:
        return published
    month = arxiv_month(arxiv.value)
    months_late = (published.year - month.year) * 12 + published.month - month.month
    return None if months_late > 1 else published


def _links(raw: RawPaper, arxiv: ArxivId | None, dois: tuple[str, ...]) -> dict[str, LinkRow]:
    links: dict[str, LinkRow] = {}
    if arxiv:
        for name in ("abs", "pdf", "html"):
            if name != "html" or arxiv_month(arxiv.value) >= _FIRST_HTML:
                links[name] = LinkRow(url=f"https://arxiv.org/{name}/{arxiv.value}", found="arxiv")
    elif raw.url and (url := normalise_url(raw.url)):
        links["abs"] = LinkRow(url=url, found=raw.source)
    elif dois:
        links["abs"] = LinkRow(url=f"https://doi.org/{quote(dois[0], safe='/:;()')}", found=raw.source)
    for name, given in (("code", raw.code_url), ("project", raw.project_url)):
        if given and (url := normalise_url(given)):
            links[name] = LinkRow(url=url, found=raw.source)
    return links


def _figures(external_counts: ExternalCounts | None) -> ExternalCounts | None:
    if external_counts is None:
        return None
    return ExternalCounts(
        votes=max(external_counts.votes, 0),
        comments=max(external_counts.comments, 0),
        submitted_by=clean_line(external_counts.submitted_by)[:MAX_LINE],
        url=normalise_url(external_counts.url) or "",
        source=external_counts.source,
        is_first_hand=external_counts.is_first_hand,
        counted_on=external_counts.counted_on,
    )


def _line(text: str | None) -> str | None:
    return None if text is None else clean_line(text)[:MAX_LINE]


def _aware(moment: datetime | None) -> datetime | None:
    """In UTC; a moment without a zone is taken to be in UTC already."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
