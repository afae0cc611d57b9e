"""arXiv's records, by OAI-PMH: what was added or changed since the last fetch. It can't say how many were announced.

Errors come with status 200. A resumption token dies at midnight UTC and is never kept: a fetch that was stopped goes on
from the newest datestamp it had seen, and records that come twice change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from papers.catalogue.identifiers import parse_arxiv_id
from papers.outbound.errors import HostBusyError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.answer_shape import AnswerShape
from papers.sources.arxiv import (
    HOST_GROUP,
    WAIT_SECONDS,
    oai_sets,
    parse_date,
    parse_datetime,
)
from papers.sources.arxiv_schedule import announcement_day, jitter, next_oai_records
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
from papers.sources.oai_protocol import OAI, OaiAnswer, OaiError, OaiHeader, ask, read_answer
from papers.sources.partial import PartFailures
from papers.sources.xml import serialize
from papers.text.xml import Element, child_text, element_text

logger = logging.getLogger(__name__)

FORMATS = ("arXivRaw", "arXiv")
"""Metadata formats, the better first: arXivRaw alone has versions, their dates, and withdrawals."""
EARLIEST = date(2005, 9, 16)
FIRST_DAYS = 7
"""How far back the first fetch goes."""
MAX_BYTES = 100_000_000
MAX_RESTARTS = 3
MAX_IDLE_PAGES = 3
"""After so many pages in a row without a new record a list is not followed any more."""
MAX_PAGES = 5_000
"""More than all of arXiv takes."""
MAX_ASKED_AGAIN = 20
"""Of the records of a page that are not well-formed, so many are asked for one by one."""

_RAW = "OAI-PMH/GetRecord/record/metadata/arXivRaw"
_HEADER = "OAI-PMH/GetRecord/record/header"
ANSWER = AnswerShape(
    needed=frozenset({
        f"{_HEADER}/identifier", f"{_HEADER}/datestamp", f"{_HEADER}/setSpec",
        *(f"{_RAW}/{name}" for name in ("id", "title", "abstract", "authors", "categories", "version@version",
        "version/date")),
    }),
    known=frozenset({
        "OAI-PMH", "OAI-PMH@schemaLocation", "OAI-PMH/responseDate", "OAI-PMH/request", "OAI-PMH/request@verb",
        "OAI-PMH/request@identifier", "OAI-PMH/request@metadataPrefix", "OAI-PMH/GetRecord", "OAI-PMH/GetRecord/record",
        _HEADER, "OAI-PMH/GetRecord/record/metadata", _RAW, f"{_RAW}@schemaLocation", f"{_RAW}/version",
        *(f"{_RAW}/{name}" for name in (
            "submitter", "comments", "journal-ref", "doi", "license", "report-no", "msc-class", "acm-class", "proxy",
            "version/size", "version/source_type",
        )),
    }),
)  # fmt: skip
"""Of a record in arXivRaw: http://arxiv.org/OAI/arXivRaw.xsd."""
RAW_RECORDS = RecordSource("arxiv_oai_raw", rank=90, display_name="arXiv", is_archive=True)
"""Versions, dates, withdrawal and licence, straight from the archive."""
RECORDS = RecordSource("arxiv_oai", rank=70, display_name="arXiv", is_archive=True)


@dataclass(slots=True)
class OaiPage:
    """One answer. `token` is empty on the last page of a list; `days` are the first and last datestamp."""

    papers: list[RawPaper] = field(default_factory=list)
    rejected: list[UnreadableRecord] = field(default_factory=list)
    broken_ids: list[str] = field(default_factory=list)
    """Of the rejected those that are not well-formed: asked for one by one they may be."""
    deleted: int = 0
    token: str = ""
    error: OaiError | None = None
    answered_on: date | None = None
    days: tuple[date, date] | None = None
    likely_days: dict[str, date] = field(default_factory=dict)
    """By arXiv id, the day under which it was most likely announced."""

    @property
    def record_count(self) -> int:
        return len(self.papers) + len(self.rejected) + self.deleted


def parse_page(data: bytes) -> OaiPage:
    """Read an answer to ListRecords or GetRecord; a record that can't be read is kept as rejected.

    Raises:
        BrokenXmlError: it is not whole, or not XML.
    """
    answer: OaiAnswer[_Record] = read_answer(data, _read_record)
    page = OaiPage(token=answer.token, error=answer.error, answered_on=answer.answered_on)
    for record in answer.records:
        _add_record(page, record)
    for broken in answer.broken:
        page.rejected.append(broken)
        if known := parse_arxiv_id(broken.identifier):
            page.broken_ids.append(known.value)
    return page


def get_record(send: Callable[[FetchRequest], FetchResponse], base_url: str, arxiv_id: str) -> RawPaper | None:
    """The record of one paper; None where arXiv has none that can be read.

    Raises:
        SourceError: the answer is something else.
    """
    page = _ask(send, base_url, _get_record(arxiv_id))
    if page.error and page.error.code != "idDoesNotExist":
        raise SourceError(f"arXiv's OAI-PMH refused to give the record of {arxiv_id}: {page.error}.")
    return page.papers[0] if page.papers else None


def _get_record(arxiv_id: str) -> Mapping[str, str]:
    return {"verb": "GetRecord", "identifier": f"oai:arXiv.org:{arxiv_id}", "metadataPrefix": FORMATS[0]}


class ArxivOai(SourceAdapter):
    """Asks for the records of the sets of the chosen categories, one set after the other."""

    kind = "arxiv_oai"
    label = "arXiv records (OAI-PMH)"
    default_name = "arXiv records"
    records = (RAW_RECORDS, RECORDS)
    host_group = HOST_GROUP
    base_url_setting = "ARXIV_OAI_URL"
    default_interval = timedelta(days=1)
    fills_gaps = True
    catches_up = True

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        found = {} if settings.categories else {"categories": "Say which categories to ask for."}
        if settings.lists != "nothing":
            found["lists"] = "Records don't say when they were announced: have the announcements list them."
        return found

    def next_fetch(self, outcome: FetchOutcome) -> datetime:
        """After the records of the next announcement are there, and an hour from now at the earliest."""
        return max(next_oai_records(outcome.now), outcome.now + timedelta(hours=1)) + jitter()

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        page = parse_page(f'<ListRecords xmlns="{OAI.strip("{}")}">{rejected.payload}</ListRecords>'.encode())
        if not page.papers:
            raise SourceError(page.rejected[0].error if page.rejected else "There is no record in it.")
        return page.papers[0]

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where no category is chosen, or arXiv can't answer."""
        sets = oai_sets(context.categories)
        if not sets:
            raise SourceError("No arXiv category is chosen, so there is nothing to ask for; name some in the source.")
        states: dict[str, dict[str, str]] = {
            name: dict(state) for name, state in context.cursor.get("sets", {}).items() if name in sets
        }
        failures = PartFailures()
        for name in sets:
            try:
                yield from _Harvest(context, name, states).run()
            except SourceError as error:
                failures.note(f"arXiv's records of {name}", error)
        failures.raise_if_any()


adapter = ArxivOai()


class _Harvest:
    """One list of records, page by page. Its state is where to go on: `seen` within a list, `done` after it."""

    def __init__(self, context: FetchContext, name: str, states: dict[str, dict[str, str]]) -> None:
        self._context = context
        self._name = name
        self._states = states
        self._format = FORMATS[0]
        self._from = self._first_day()
        self._began_on: date | None = None
        self._seen: date | None = None
        self._is_ordered = True
        self._records = 0
        self._restarts = 0
        self._tokens: set[str] = set()
        self._ids: set[str] = set()
        self._idle_pages = 0

    def run(self) -> Iterator[FetchBatch]:
        page = self._list()
        while True:
            if page.error:
                if page.error.code == "noRecordsMatch" and not self._records:
                    yield FetchBatch(label=self._name, done=self._records)  # nothing yet; the same days are asked again
                    return
                page = self._after(page.error)
                continue
            self._began_on = self._began_on or page.answered_on or self._context.now.astimezone(UTC).date()
            self._note_days(page)
            self._check_progress(page)
            self._records += page.record_count
            yield FetchBatch(
                papers=tuple(page.papers),
                rejected=tuple(page.rejected),
                likely_days=page.likely_days,
                cursor=self._cursor(is_last=not page.token),
                done=self._records,
                label=self._name,
            )
            yield from self._ask_again(page.broken_ids)
            if not page.token:
                return
            page = self._next(page.token)

    def _check_progress(self, page: OaiPage) -> None:
        """Raises SourceError where pages go on and bring nothing that was not there before."""
        ids = {paper.arxiv_id or "" for paper in page.papers} | {bad.identifier for bad in page.rejected}
        self._idle_pages = 0 if ids - self._ids or page.deleted else self._idle_pages + 1
        self._ids |= ids
        if page.token and (self._idle_pages >= MAX_IDLE_PAGES or len(self._tokens) >= MAX_PAGES):
            raise SourceError(
                f"arXiv's OAI-PMH goes on and on for {self._name} without a new record. It is asked again; if this "
                "stays, check the source's address."
            )

    def _ask_again(self, arxiv_ids: Sequence[str]) -> Iterator[FetchBatch]:
        """The records that were not well-formed in their page, one by one."""
        for arxiv_id in arxiv_ids[:MAX_ASKED_AGAIN]:
            try:
                page = _ask(self._context.send, self._context.base_url, _get_record(arxiv_id))
            except HostBusyError:
                raise
            except SourceError as error:
                logger.warning("The record of %s can't be read: %s", arxiv_id, error)
                continue
            if page.papers:
                yield FetchBatch(
                    papers=tuple(page.papers), likely_days=page.likely_days, done=self._records, label=self._name
                )

    def _list(self) -> OaiPage:
        return self._get(
            {"verb": "ListRecords", "metadataPrefix": self._format, "set": self._name, "from": self._from.isoformat()}
        )

    def _next(self, token: str) -> OaiPage:
        if token in self._tokens:
            raise SourceError(f"arXiv's OAI-PMH gave the same resumption token twice for {self._name}.")
        self._tokens.add(token)
        return self._get({"verb": "ListRecords", "resumptionToken": token})

    def _get(self, params: Mapping[str, str]) -> OaiPage:
        return _ask(self._context.send, self._context.base_url, params)

    def _after(self, error: OaiError) -> OaiPage:
        """What to ask after an error that can be helped.

        Raises:
            SourceError: it can't be.
        """
        # That no records match a token is no end of the list, which has an empty token.
        is_of_token = error.code in ("badResumptionToken", "noRecordsMatch")
        if is_of_token and self._tokens and self._restarts < MAX_RESTARTS:
            self._restarts += 1
            self._tokens.clear()
            self._ids.clear()
            self._idle_pages = 0
            self._from = self._seen or self._from
            return self._list()
        if error.code == "cannotDisseminateFormat" and self._format != FORMATS[-1]:
            self._format = FORMATS[-1]
            return self._list()
        raise SourceError(
            f"arXiv's OAI-PMH answered {error} for the set {self._name} from {self._from}. "
            "If this stays, check the categories of the source and its address."
        )

    def _first_day(self) -> date:
        """From when on to ask. Answers are cached and days overlap, so a day more is asked than what is missing."""
        state = self._states.get(self._name, {})
        today = self._context.now.astimezone(UTC).date()
        if self._context.since:
            day = self._context.since
        elif seen := parse_date(state.get("seen")):
            day = seen
        elif done := parse_date(state.get("done")):
            day = done - timedelta(days=1)
        else:
            day = today - timedelta(days=FIRST_DAYS)
        return min(max(day, EARLIEST), today)

    def _note_days(self, page: OaiPage) -> None:
        """Only where datestamps never go back can a list be taken up at the newest one seen."""
        if page.days is None:
            return
        first, last = page.days
        self._is_ordered = self._is_ordered and (self._seen is None or first >= self._seen)
        self._seen = last if self._is_ordered else None

    def _cursor(self, *, is_last: bool) -> dict[str, Any]:
        state = dict(self._states.get(self._name, {}))
        if is_last and self._began_on:
            state = {"done": self._began_on.isoformat()}
        elif self._seen:
            state["seen"] = self._seen.isoformat()
        else:
            state.pop("seen", None)
        self._states[self._name] = state
        return {**self._context.cursor, "sets": {name: dict(kept) for name, kept in self._states.items()}}


def _ask(send: Callable[[FetchRequest], FetchResponse], base_url: str, params: Mapping[str, str]) -> OaiPage:
    request = FetchRequest(
        url=base_url, group=HOST_GROUP, params=params, max_bytes=MAX_BYTES, wait_seconds=WAIT_SECONDS
    )
    return ask(send, request, parse_page)


@dataclass(frozen=True, slots=True)
class _Record:
    """A record: its paper, or why there is none; neither where it is deleted."""

    header: OaiHeader
    paper: RawPaper | None = None
    rejected: UnreadableRecord | None = None


def _read_record(record: Element, header: OaiHeader) -> _Record:
    if header.is_deleted:
        return _Record(header)
    metadata = next(iter(record.iterfind(f"{OAI}metadata/*")), None)
    read = _READERS.get(str(metadata.tag).rpartition("}")[2]) if metadata is not None else None
    paper = read(metadata) if read and metadata is not None else None
    if paper is not None:
        return _Record(header, paper)
    error = "The record has no id or no title." if read else "The record is in no format that is read."
    return _Record(header, rejected=UnreadableRecord(header.identifier, serialize(record), error))


def _add_record(page: OaiPage, record: _Record) -> None:
    if day := record.header.changed_on:
        first, last = page.days or (day, day)
        # A list that goes back within a page shows as a first day before the last one of an earlier page.
        page.days = (min(first, day), max(last, day))
    if record.rejected is not None:
        page.rejected.append(record.rejected)
    elif record.paper is None:
        page.deleted += 1
    else:
        page.papers.append(record.paper)
        likely, known = _likely_day(record.paper, day), parse_arxiv_id(record.paper.arxiv_id or "")
        if likely and known:
            page.likely_days[known.value] = likely


def _likely_day(paper: RawPaper, changed_on: date | None) -> date | None:
    """The day under which a paper was most likely announced; None where its record has no date of its making."""
    if paper.published_at is None:
        return None
    later = [version.released_at for version in paper.versions if version.number > 1 and version.released_at]
    if not paper.versions and paper.updated_at and paper.updated_at != paper.published_at:
        later = [paper.updated_at]
    return announcement_day(paper.published_at, replaced_at=min(later, default=None), changed_on=changed_on)


def _read_raw(metadata: Element) -> RawPaper | None:
    texts = _texts(metadata)
    if not _is_usable(texts):
        return None
    versions = tuple(filter(None, (_version(element) for element in metadata.iterfind("{*}version"))))
    flags = [child_text(element, "{*}source_type") or "" for element in metadata.iterfind("{*}version")]
    return RawPaper(
        source=RAW_RECORDS.name,
        title=texts["title"],
        arxiv_id=texts["id"].strip(),
        version=max((version.number for version in versions), default=None),
        doi=texts.get("doi", ""),
        abstract=texts.get("abstract", ""),
        authors_text=texts.get("authors", ""),
        categories=tuple(texts.get("categories", "").split()),
        published_at=versions[0].released_at if versions else None,
        updated_at=versions[-1].released_at if versions else None,
        comment=texts.get("comments", ""),
        journal_ref=texts.get("journal-ref", ""),
        license=texts.get("license", ""),
        # I: the source of this version is to be ignored, which is how arXiv files a withdrawal.
        is_withdrawn="I" in flags[-1] if flags else None,
        versions=versions,
    )


def _read_arxiv(metadata: Element) -> RawPaper | None:
    texts = _texts(metadata)
    if not _is_usable(texts):
        return None
    return RawPaper(
        source=RECORDS.name,
        title=texts["title"],
        arxiv_id=texts["id"].strip(),
        doi=texts.get("doi", ""),
        abstract=texts.get("abstract", ""),
        authors=tuple(_author(element) for element in metadata.iterfind("{*}authors/{*}author")),
        categories=tuple(texts.get("categories", "").split()),
        published_at=_midnight(texts.get("created")),
        updated_at=_midnight(texts.get("updated") or texts.get("created")),
        comment=texts.get("comments", ""),
        journal_ref=texts.get("journal-ref", ""),
        license=texts.get("license", ""),
    )


_READERS: Mapping[str, Callable[[Element], RawPaper | None]] = {"arXivRaw": _read_raw, "arXiv": _read_arxiv}


def _texts(metadata: Element) -> dict[str, str]:
    return {str(child.tag).rpartition("}")[2]: element_text(child) for child in metadata.iterchildren("*")}


def _is_usable(texts: Mapping[str, str]) -> bool:
    return parse_arxiv_id(texts.get("id", "")) is not None and bool(texts.get("title", "").strip())


def _version(element: Element) -> RawVersion | None:
    number = element.get("version", "").lstrip("v")
    return RawVersion(int(number), parse_datetime(child_text(element, "{*}date"))) if number.isdecimal() else None


def _author(element: Element) -> RawAuthor:
    names = (child_text(element, f"{{*}}{part}") for part in ("forenames", "keyname", "suffix"))
    affiliations = (element_text(found).strip() for found in element.iterfind("{*}affiliation"))
    return RawAuthor(" ".join(filter(None, names)), "; ".join(filter(None, affiliations)))


def _midnight(text: str | None) -> datetime | None:
    day = parse_date(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
