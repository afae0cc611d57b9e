"""arXiv's records, by OAI-PMH: what was added or changed since the last fetch. It can't say how many were announced.

Errors come with status 200. A resumption token dies at midnight UTC and is never kept: a fetch that was stopped goes on
from the newest datestamp it had seen, and records that come twice change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from papers.catalogue.identifiers import parse_arxiv_id
from papers.outbound.errors import SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.arxiv import (
    HOST_GROUP,
    WAIT_SECONDS,
    oai_sets,
    parse_date,
    parse_datetime,
)
from papers.sources.arxiv_schedule import jitter, next_oai_records
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
from papers.sources.oai_protocol import OAI, OaiError, ask
from papers.sources.xml import iterate_xml, serialize
from papers.text.xml import Element, child_text, element_text

FORMATS = ("arXivRaw", "arXiv")
"""Metadata formats, the better first: arXivRaw alone has versions, their dates, and withdrawals."""
EARLIEST = date(2005, 9, 16)
FIRST_DAYS = 7
"""How far back the first fetch goes."""
MAX_BYTES = 100_000_000
MAX_RESTARTS = 3

RAW_RECORDS = RecordSource("arxiv_oai_raw", rank=90, display_name="arXiv", is_archive=True)
"""Versions, dates, withdrawal and licence, straight from the archive."""
RECORDS = RecordSource("arxiv_oai", rank=70, display_name="arXiv", is_archive=True)

_OAI = OAI


@dataclass(slots=True)
class OaiPage:
    """One answer. `token` is empty on the last page of a list; `days` are the first and last datestamp."""

    papers: list[RawPaper] = field(default_factory=list)
    rejected: list[UnreadableRecord] = field(default_factory=list)
    deleted: int = 0
    token: str = ""
    error: OaiError | None = None
    answered_on: date | None = None
    days: tuple[date, date] | None = None

    @property
    def record_count(self) -> int:
        return len(self.papers) + len(self.rejected) + self.deleted


def parse_page(data: bytes) -> OaiPage:
    """Read an answer to ListRecords or GetRecord; a record that can't be read is kept as rejected.

    Raises:
        BrokenXmlError: it is not whole, or not XML.
    """
    page = OaiPage()
    tags = [f"{_OAI}{name}" for name in ("responseDate", "error", "record", "resumptionToken")]
    for element in iterate_xml(data, *tags):
        name = str(element.tag).removeprefix(_OAI)
        if name == "responseDate":
            page.answered_on = parse_date(element.text)
        elif name == "error":
            page.error = OaiError(element.get("code", "undefinedError"), (element.text or "").strip())
        elif name == "resumptionToken":
            page.token = (element.text or "").strip()
        else:
            _add_record(page, element)
    return page


def get_record(send: Callable[[FetchRequest], FetchResponse], base_url: str, arxiv_id: str) -> RawPaper | None:
    """The record of one paper; None where arXiv has none that can be read.

    Raises:
        SourceError: the answer is something else.
    """
    params = {"verb": "GetRecord", "identifier": f"oai:arXiv.org:{arxiv_id}", "metadataPrefix": FORMATS[0]}
    page = _ask(send, base_url, params)
    if page.error and page.error.code != "idDoesNotExist":
        raise SourceError(f"arXiv's OAI-PMH refused to give the record of {arxiv_id}: {page.error}.")
    return page.papers[0] if page.papers else None


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
        page = parse_page(f'<ListRecords xmlns="{_OAI.strip("{}")}">{rejected.payload}</ListRecords>'.encode())
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
        for name in sets:
            yield from _Harvest(context, name, states).run()


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

    def run(self) -> Iterator[FetchBatch]:
        page = self._list()
        while True:
            if page.error:
                if page.error.code == "noRecordsMatch":
                    yield FetchBatch(label=self._name, done=self._records)  # nothing yet; the same days are asked again
                    return
                page = self._after(page.error)
                continue
            self._began_on = self._began_on or page.answered_on or self._context.now.astimezone(UTC).date()
            self._note_days(page)
            self._records += page.record_count
            yield FetchBatch(
                papers=tuple(page.papers),
                rejected=tuple(page.rejected),
                cursor=self._cursor(is_last=not page.token),
                done=self._records,
                label=self._name,
            )
            if not page.token:
                return
            page = self._next(page.token)

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
        if error.code == "badResumptionToken" and self._tokens and self._restarts < MAX_RESTARTS:
            self._restarts += 1
            self._tokens.clear()
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


def _add_record(page: OaiPage, record: Element) -> None:
    header = record.find(f"{_OAI}header")
    identifier = (child_text(header, f"{_OAI}identifier") or "").strip() if header is not None else ""
    if header is not None and (day := parse_date(child_text(header, f"{_OAI}datestamp"))):
        first, last = page.days or (day, day)
        # A list that goes back within a page shows as a first day before the last one of an earlier page.
        page.days = (min(first, day), max(last, day))
    if header is not None and header.get("status") == "deleted":
        page.deleted += 1
        return
    metadata = next(iter(record.iterfind(f"{_OAI}metadata/*")), None)
    read = _READERS.get(str(metadata.tag).rpartition("}")[2]) if metadata is not None else None
    paper = read(metadata) if read and metadata is not None else None
    if paper is None:
        error = "The record has no id or no title." if read else "The record is in no format that is read."
        page.rejected.append(UnreadableRecord(identifier, serialize(record), error))
    else:
        page.papers.append(paper)


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
