"""arXiv's search: queries of a group's own, and look-ups by id. Atom; the least reliable of its interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from papers.catalogue.categories import expand_patterns
from papers.catalogue.identifiers import parse_arxiv_id
from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.answer_shape import AnswerShape
from papers.sources.arxiv import HOST_GROUP, WAIT_SECONDS, parse_datetime
from papers.sources.arxiv_schedule import AFTER_MIDNIGHT, jitter, last_announcement, next_feed
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    FetchOutcome,
    RawAuthor,
    RawPaper,
    RawVersion,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
    UnreadableRecord,
)
from papers.sources.isolated import read_large_isolated
from papers.sources.xml import BrokenXmlError, parse_xml, serialize
from papers.text.xml import Element, element_text

PAGE_SIZE = 100
MAX_PAGES = 20
"""A fetch reads no more: a query that brings more a day than this is asked of OAI-PMH better."""
MAX_IDS = 100
"""Of one look-up."""
EMPTY_RETRIES = 3
FIRST_DAYS = 7
OVERLAP_DAYS = 7
"""Papers are dated when they were sent in and found when they are announced: after a weekend, or a week on hold."""
MAX_BYTES = 30_000_000

_NEWEST_FIRST: Mapping[str, str | int] = {
    "sortBy": "submittedDate",
    "sortOrder": "descending",
    "max_results": PAGE_SIZE,
}

Send = Callable[[FetchRequest], FetchResponse]
ANSWER = AnswerShape(
    needed=frozenset({
        "feed/totalResults", "feed/entry/id", "feed/entry/title", "feed/entry/summary", "feed/entry/published",
        "feed/entry/updated", "feed/entry/author/name", "feed/entry/category@term", "feed/entry/primary_category@term",
    }),
    known=frozenset({
        "feed", "feed/id", "feed/title", "feed/updated", "feed/link", "feed/link@href", "feed/link@rel",
        "feed/link@type",
        "feed/startIndex", "feed/itemsPerPage", "feed/entry", "feed/entry/author", "feed/entry/author/affiliation",
        "feed/entry/category", "feed/entry/category@scheme", "feed/entry/primary_category",
        "feed/entry/primary_category@scheme", "feed/entry/comment", "feed/entry/doi", "feed/entry/journal_ref",
        "feed/entry/link", "feed/entry/link@href", "feed/entry/link@rel", "feed/entry/link@title",
        "feed/entry/link@type",
    }),
)  # fmt: skip
"""https://info.arxiv.org/help/api/user-manual.html, section 3.3."""
RECORDS = RecordSource("arxiv_api", rank=80, display_name="arXiv", is_archive=True, lists_when_stored=True)


@dataclass(frozen=True, slots=True)
class SearchResultPage:
    """One answer; `error` is what its error entry says."""

    papers: tuple[RawPaper, ...] = ()
    rejected: tuple[UnreadableRecord, ...] = ()
    total: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What a look-up brought; `missing` are the ids that arXiv did not answer."""

    papers: tuple[RawPaper, ...]
    rejected: tuple[UnreadableRecord, ...]
    missing: tuple[str, ...]


def parse_search_page(data: bytes) -> SearchResultPage:
    """Read an answer. An error comes as one entry, whatever the status; an entry that can't be read is rejected.

    Raises:
        BrokenXmlError: it is not Atom, or not whole.
    """
    root = parse_xml(data)
    if not str(root.tag).endswith("}feed"):
        raise BrokenXmlError("The answer is not Atom; check the source's address.")
    papers: list[RawPaper] = []
    rejected: list[UnreadableRecord] = []
    for entry in root.iterfind("{*}entry"):
        name = (entry.findtext("{*}id") or "").strip()
        if "/api/errors" in name:
            return SearchResultPage(error=" ".join((entry.findtext("{*}summary") or "no reason given").split()))
        if paper := _read_entry(entry, name):
            papers.append(paper)
        else:
            rejected.append(UnreadableRecord(name, serialize(entry), "The entry has no arXiv id or no title."))
    total = (root.findtext("{*}totalResults") or "").strip()
    return SearchResultPage(
        tuple(papers), tuple(rejected), int(total) if total.isdecimal() else len(papers) + len(rejected)
    )


def look_up_ids(send: Send, base_url: str, ids: Sequence[str]) -> Iterator[LookupResult]:
    """Ask for papers by id (without version), 100 at a time; unknown ids are silently absent from the answer.

    Raises:
        SourceError: the service refuses, or keeps answering nothing.
    """
    for at in range(0, len(ids), MAX_IDS):
        wanted = ids[at : at + MAX_IDS]
        results = _ask(send, base_url, {"id_list": ",".join(wanted), "max_results": len(wanted)}, start=0)
        found = {parsed.value for paper in results.papers if (parsed := parse_arxiv_id(paper.arxiv_id or ""))}
        yield LookupResult(results.papers, results.rejected, tuple(id_ for id_ in wanted if id_ not in found))


class ArxivApi(SourceAdapter):
    """Asks a query, newest first, back to where the last fetch began."""

    kind = "arxiv_api"
    label = "arXiv search"
    default_name = "arXiv search"
    records = (RECORDS,)
    host_group = HOST_GROUP
    base_url_setting = "ARXIV_API_URL"
    default_interval = timedelta(days=1)
    fills_gaps = True

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        if settings.query or settings.categories:
            return {}
        return {"query": "Give it a query, such as cat:cs.CL AND ti:agents, or categories."}

    def next_fetch(self, outcome: FetchOutcome) -> datetime:
        """Once a day: its answers change no oftener, and arXiv asks not to repeat a question within one."""
        return max(next_feed(outcome.now) + AFTER_MIDNIGHT, super().next_fetch(outcome)) + jitter()

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        results = parse_search_page(f'<feed xmlns="http://www.w3.org/2005/Atom">{rejected.payload}</feed>'.encode())
        if not results.papers:
            why = results.rejected[0].error if results.rejected else results.error
            raise SourceError(why or "There is no entry in it.")
        return results.papers[0]

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where there is neither query nor categories, or arXiv can't answer."""
        query = context.query.strip() or _any_of(context.categories)
        if not query:
            raise SourceError(
                "The source has neither query nor categories; give it one, such as cat:cs.CL AND ti:agents."
            )
        asked_at = parse_datetime(context.cursor.get("asked_at")) if context.cursor.get("query") == query else None
        if asked_at and not context.since and asked_at >= last_announcement(context.now):
            yield FetchBatch(label="nothing: arXiv has announced nothing since the last visit")
            return
        yield from self._pages(context, query, asked_at)

    def _pages(self, context: FetchContext, query: str, asked_at: datetime | None) -> Iterator[FetchBatch]:
        back_to = _back_to(context, asked_at)
        done_cursor = {**context.cursor, "query": query, "asked_at": context.now.isoformat()}
        seen: set[str] = set()
        start = 0
        for number in range(1, MAX_PAGES + 1):
            results = _ask(context.send, context.base_url, {"search_query": query, **_NEWEST_FIRST}, start=start)
            start += len(results.papers) + len(results.rejected)
            fresh = tuple(paper for paper in results.papers if paper.arxiv_id not in seen and _is_since(paper, back_to))
            seen |= {paper.arxiv_id or "" for paper in results.papers}
            is_last = start >= results.total or len(fresh) < len(results.papers) or number == MAX_PAGES
            yield FetchBatch(
                papers=fresh,
                rejected=results.rejected,
                cursor=done_cursor if is_last else None,
                done=start,
                total=None if fresh else start,
                label="search",
            )
            if is_last:
                return


adapter = ArxivApi()


def _ask(send: Send, base_url: str, params: Mapping[str, str | int], *, start: int) -> SearchResultPage:
    """One answer. An empty page of a list that is said to go on comes now and then, and is asked for again."""
    request = FetchRequest(
        url=base_url,
        group=HOST_GROUP,
        params={**params, "start": start},
        max_bytes=MAX_BYTES,
        wait_seconds=WAIT_SECONDS,
    )
    for _ in range(EMPTY_RETRIES):
        results = _parse_answer(send, request)
        if results.error:
            raise SourceError(f"arXiv's search does not understand the question: {results.error}. Correct the query.")
        if results.papers or results.rejected or results.total <= start:
            return results
    raise SourceError(
        f"arXiv's search says that it has {results.total:,} papers and sent none of them after number {start}. "
        "It does so now and then; it is asked again later."
    )


def _parse_answer(send: Send, request: FetchRequest) -> SearchResultPage:
    try:
        return read_large_isolated(parse_search_page, send(request).body)
    except HttpStatusError as error:
        # A bad question is answered with an error entry and, nowadays, with status 400.
        try:
            results = read_large_isolated(parse_search_page, error.body)
        except BrokenXmlError:
            raise error from None
        if results.error:
            return results
        raise


def _any_of(categories: Iterable[str]) -> str:
    codes = expand_patterns(categories)
    return " OR ".join(f"cat:{code}" for code in codes)


def _back_to(context: FetchContext, asked_at: datetime | None) -> datetime:
    if context.since:
        return datetime.combine(context.since, datetime.min.time(), tzinfo=context.now.tzinfo)
    return asked_at - timedelta(days=OVERLAP_DAYS) if asked_at else context.now - timedelta(days=FIRST_DAYS)


def _is_since(paper: RawPaper, back_to: datetime) -> bool:
    return paper.published_at is None or paper.published_at >= back_to


def _read_entry(entry: Element, name: str) -> RawPaper | None:
    arxiv_id = parse_arxiv_id(name)
    title = entry.findtext("{*}title") or ""
    if arxiv_id is None or not title.strip():
        return None
    published_at = parse_datetime(entry.findtext("{*}published"))
    updated_at = parse_datetime(entry.findtext("{*}updated"))
    primary = [element.get("term", "") for element in entry.iterfind("{*}primary_category")]
    others = [element.get("term", "") for element in entry.iterfind("{*}category")]
    return RawPaper(
        source=RECORDS.name,
        title=title,
        arxiv_id=arxiv_id.value,
        version=arxiv_id.version,
        doi=entry.findtext("{*}doi") or "",
        abstract=entry.findtext("{*}summary") or "",
        authors=tuple(_author(element) for element in entry.iterfind("{*}author")),
        categories=tuple(dict.fromkeys(filter(None, primary + others))),
        published_at=published_at,
        updated_at=updated_at,
        comment=entry.findtext("{*}comment") or "",
        journal_ref=entry.findtext("{*}journal_ref") or "",
        versions=_versions(arxiv_id.version, published_at, updated_at),
    )


def _versions(number: int | None, published_at: datetime | None, updated_at: datetime | None) -> tuple[RawVersion, ...]:
    """The first version and this one: all that an entry tells of."""
    if number is None:
        return ()
    return (
        (RawVersion(1, published_at),) if number == 1 else (RawVersion(1, published_at), RawVersion(number, updated_at))
    )


def _author(element: Element) -> RawAuthor:
    affiliations = (element_text(found).strip() for found in element.iterfind("{*}affiliation"))
    return RawAuthor(element.findtext("{*}name") or "", "; ".join(filter(None, affiliations)))
