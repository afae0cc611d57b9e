"""A paper's own page: the `citation_*` meta tags that publishers write for Google Scholar and Zotero.

https://scholar.google.com/intl/en/scholar/inclusion.html#indexing. Nothing else on a page is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from papers.catalogue.identifiers import parse_arxiv_id, parse_doi
from papers.outbound.host_rate_limit import page_host_group_of
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.base import NoPaperError, RawAuthor, RawPaper, RecordSource
from papers.sources.isolated import read_isolated
from papers.sources.meta_tags import meta_tags
from papers.sources.record_markup import plain_abstract, plain_line
from papers.text.names import in_order_of_speech, read_people

MAX_BYTES = 5_000_000
DEADLINE_SECONDS = 45.0
WAIT_SECONDS = 30.0
ACCEPT = "text/html, application/xhtml+xml;q=0.9"
RECORDS = RecordSource("webpage", rank=45, display_name="the paper’s page", words_of="a web page")
"""A publisher's own tags; but anybody can write a page."""

_AUTHORS = (
    ("citation_author", "bepress_citation_author", "eprints.creators_name"),
    ("citation_authors",),
    ("dc.creator", "dc.contributor", "dcterms.creator"),
)
"""Names of tags, the surest first; those of one line are used side by side."""
_DATES = (
    *("citation_publication_date", "citation_online_date", "citation_date", "citation_year"),
    *("prism.publicationdate", "dc.date", "dc.date.issued", "dcterms.issued"),
)
_VENUES = (
    *("citation_journal_title", "prism.publicationname", "citation_conference_title", "citation_inbook_title"),
    *("citation_book_title", "dc.source"),
)
_ABSTRACTS = ("citation_abstract", "dcterms.abstract", "dc.description", "description", "og:description")
_DOIS = (
    "citation_doi",
    "bepress_citation_doi",
    "prism.doi",
    "dc.identifier.doi",
    "dc.identifier",
    "dc.relation.isversionof",
)
_DAY = re.compile(r"\s*(\d{4})(?:[/.-](\d{1,2})(?:[/.-](\d{1,2}))?)?(?![\d])")


def look_up_page(send: Callable[[FetchRequest], FetchResponse], url: str) -> RawPaper:
    """The paper that a page is about, as the page says. Its arXiv id and DOI are claims: anybody can write a page.

    Raises:
        NoPaperError: the page names no paper.
        SourceError: there is no answer.
    """
    response = send(
        FetchRequest(
            url=url,
            group=page_host_group_of(url),
            accept=ACCEPT,
            max_bytes=MAX_BYTES,
            deadline_seconds=DEADLINE_SECONDS,
            wait_seconds=WAIT_SECONDS,
        )
    )
    return read_isolated(parse_page, response.body, url=response.url, content_type=response.content_type)


def parse_page(data: bytes, *, url: str, content_type: str = "") -> RawPaper:
    """Read a page. `url` is where it came from; the content type tells its encoding, if it does.

    Raises:
        NoPaperError: it has no `citation_title`.
    """
    tags = _by_name(meta_tags(data, content_type=content_type))
    title = plain_line(_first(tags, "citation_title"))
    if not title:
        raise NoPaperError("The page does not say which paper it is about: it has no citation tags.")
    arxiv = parse_arxiv_id(_first(tags, "citation_arxiv_id"))
    return RawPaper(
        source=RECORDS.name,
        title=title,
        arxiv_id=arxiv.value if arxiv else None,
        doi=next((doi for name in _DOIS for content in tags.get(name, ()) if (doi := parse_doi(content))), None),
        abstract=plain_abstract(_first(tags, *_ABSTRACTS)) or None,
        authors=_authors(tags) or None,
        published_at=_published_at(tags),
        journal_ref=_journal_ref(tags) or None,
        url=url,
    )


def format_journal_ref(venue: str, *, volume: str = "", issue: str = "", pages: str = "", year: str = "") -> str:
    """Such as `Science 169(3946), 635-641 (1970)`; empty without a venue."""
    if not venue:
        return ""
    number = f"{volume}({issue})" if volume and issue else volume or issue
    text = ", ".join(filter(None, (f"{venue} {number}".strip(), pages)))
    return f"{text} ({year})" if year else text


def _by_name(tags: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, content in tags:
        found.setdefault(name, []).append(content)
    found["citation_author"] = _people(tags)
    return found


def _people(tags: Sequence[tuple[str, str]]) -> list[str]:
    """The names in the order of speech, one a tag; some pages have all of them in one."""
    for names in _AUTHORS:
        contents = [plain_line(content) for name, content in tags if name in names]
        contents = [content for content in contents if content]
        if len(contents) == 1:
            return [each.name for each in read_people(contents[0])]
        if contents:
            return [name for content in contents for name in _of_one_tag(content)]
    return []


def _of_one_tag(content: str) -> list[str]:
    """Whom one of several tags names: one person, with what is left of a list's punctuation."""
    if ";" in content.strip(" ;"):
        return [each.name for each in read_people(content)]
    return [name] if (name := in_order_of_speech(content)) else []


def _authors(tags: Mapping[str, list[str]]) -> tuple[RawAuthor, ...]:
    return tuple(RawAuthor(name) for name in tags["citation_author"])


def _published_at(tags: Mapping[str, list[str]]) -> datetime | None:
    for name in _DATES:
        if match := _DAY.match(_first(tags, name)):
            try:
                return datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1), tzinfo=UTC)
            except ValueError:
                continue
    return None


def _journal_ref(tags: Mapping[str, list[str]]) -> str:
    first = _first(tags, "citation_firstpage", "prism.startingpage", "citation_article_number")
    last = _first(tags, "citation_lastpage", "prism.endingpage")
    published = _published_at(tags)
    return format_journal_ref(
        plain_line(_first(tags, *_VENUES)),
        volume=_first(tags, "citation_volume", "prism.volume"),
        issue=_first(tags, "citation_issue", "prism.number", "prism.issueidentifier"),
        pages=f"{first}-{last}" if first and last and first != last else first,
        year=str(published.year) if published else "",
    )


def _first(tags: Mapping[str, list[str]], *names: str) -> str:
    """The first content under one of the names, on one line."""
    return next((text for name in names for content in tags.get(name, ()) if (text := " ".join(content.split()))), "")
