"""Any repository by OAI-PMH and Dublin Core (`oai_dc`): HAL, Zenodo, theses of a university, journals with OJS.

Every repository has this format. It says little, and what a field means differs: whatever a field holds is recognised
by its form. The repository is a third party for a paper that has an arXiv id or a DOI of elsewhere: it only names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from papers.catalogue.paper_pages import Name, only_paper, paper_at, paper_of_doi
from papers.outbound.errors import RefusedError, SourceError
from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest
from papers.sources.arxiv import WAIT_SECONDS, parse_date
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    RawAuthor,
    RawPaper,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
    UnreadableRecord,
)
from papers.sources.isolated import read_isolated
from papers.sources.oai_protocol import OAI, OaiAnswer, OaiError, OaiHeader, ask, header_of, read_answer
from papers.sources.record_markup import plain_abstract, plain_line
from papers.sources.xml import parse_xml, serialize
from papers.text.xml import Element, element_text

FIRST_DAYS = 7
MAX_BYTES = 50_000_000
DEADLINE_SECONDS = 120.0
MAX_PAGES = 2_000
MAX_IDLE_PAGES = 3
"""After so many pages in a row without a new record a list is not followed any more."""
MAX_RESTARTS = 3
MAX_SETS = 50

RECORDS = RecordSource("oai", rank=38, words_of="a repository’s record", only_claims=True, lists_when_stored=True)

_NO_PAPERS = frozenset(
    {"dataset", "software", "image", "video", "audio", "sound", "stillimage", "movingimage", "physicalobject", "other"}
)
"""Kinds of what repositories also hold; a record that names no other kind is left out."""
_ALT = re.compile(r"info:eu-repo/semantics/altIdentifier/(doi|arxiv|pmid)/(\S{1,300})", re.I)
_ARXIV = re.compile(r"arxiv\s?:\s?(\S{1,40})", re.I)
_HAL_VERSION = re.compile(r"(oai:hal:[a-z_-]{1,30}-\d{1,12})v\d{1,3}", re.I)
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?![0-9])", re.ASCII)


@dataclass(slots=True)
class DublinCorePage:
    """One page of a list. `names` are the identifiers of all records that came."""

    papers: list[RawPaper] = field(default_factory=list)
    rejected: list[UnreadableRecord] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    left_out: int = 0
    """Records that were deleted, or are no papers by their type."""
    token: str = ""
    error: OaiError | None = None
    answered_on: date | None = None
    newest: date | None = None
    """The last datestamp, where they never go back within the page."""


def parse_page(data: bytes) -> DublinCorePage:
    """Read an answer to ListRecords in `oai_dc`; a record that can't be read is kept as rejected.

    Raises:
        BrokenXmlError: it is cut, or not XML.
    """
    answer: OaiAnswer[_Read] = read_answer(data, _read_record)
    page = DublinCorePage(token=answer.token, error=answer.error, answered_on=answer.answered_on)
    page.rejected += answer.broken
    page.names += [bad.identifier for bad in answer.broken]
    for record in answer.records:
        page.names.append(record.header.identifier)
        if record.paper:
            page.papers.append(record.paper)
        elif record.error:
            page.rejected.append(UnreadableRecord(record.header.identifier, record.payload, record.error))
        else:
            page.left_out += 1
    days = [day for record in answer.records if (day := record.header.changed_on)]
    page.newest = days[-1] if days and days == sorted(days) else None
    return page


class OaiRepository(SourceAdapter):
    """Asks for the records of each chosen set, or of all, that were added or changed since the last fetch."""

    kind = "oai"
    label = "Repository (OAI-PMH)"
    default_name = "Repository"
    records = (RECORDS,)
    default_interval = timedelta(days=1)

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        address = settings.base_url
        if not address:
            return {"base_url": "Give the base address of the repository's OAI-PMH, without a query."}
        try:
            is_of_arxiv = host_group_of(address) == "arxiv"
        except RefusedError:  # the form says so itself
            return {}
        if is_of_arxiv:
            return {"base_url": "arXiv has a kind of its own: choose arXiv records (OAI-PMH)."}
        if urlsplit(address).query:
            return {"base_url": "Leave out what stands behind the question mark: Broadsheet asks its own questions."}
        if len(_sets(settings.query)) > MAX_SETS:
            return {"query": f"Name at most {MAX_SETS} sets."}
        return {}

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        record = parse_xml(rejected.payload.encode())
        read = _read_record(record, header_of(record))
        if read.paper is None:
            raise SourceError(read.error or "The record is deleted, or it is no paper by its type.")
        return read.paper

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where the source has no address, or the repository can't answer."""
        if not context.base_url:
            raise SourceError("The source has no address; give it the base address of the repository's OAI-PMH.")
        places: dict[str, str] = {name: str(day) for name, day in context.cursor.get("sets", {}).items()}
        for name in _sets(context.query) or ("",):
            yield from _Harvest(context, name, places).run()


adapter = OaiRepository()


def base_address(address: str) -> str:
    """The base address in one with a question such as `?verb=Identify`."""
    return urlunsplit((*urlsplit(address.strip())[:3], "", ""))


class _Harvest:
    """One list of records, page by page."""

    def __init__(self, context: FetchContext, name: str, places: dict[str, str]) -> None:
        self._context = context
        self._name = name
        self._places = places
        self._label = name or "all sets"
        self._from = self._first_day()
        self._began_on: date | None = None
        self._newest: date | None = None
        self._is_ordered = True
        self._seen: set[str] = set()
        self._tokens: set[str] = set()
        self._idle_pages = self._restarts = self._pages = self._done = 0

    def run(self) -> Iterator[FetchBatch]:
        page = self._list()
        while True:
            if page.error:
                if page.error.code == "noRecordsMatch" and not self._pages:
                    yield FetchBatch(label=self._label)  # nothing new; the same days are asked again
                    return
                page = self._after(page.error)
                continue
            if not (page.names or page.token or self._pages):  # what should be noRecordsMatch
                yield FetchBatch(label=self._label)
                return
            self._note(page)
            cursor = self._cursor() if not page.token else None
            yield FetchBatch(
                tuple(page.papers), tuple(page.rejected), cursor=cursor, done=self._done, label=self._label
            )
            if not page.token:
                return
            page = self._next(page.token)

    def _list(self) -> DublinCorePage:
        wanted = {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": self._from.isoformat()}
        return self._ask({**wanted, "set": self._name} if self._name else wanted)

    def _next(self, token: str) -> DublinCorePage:
        """Raises SourceError where the list has no end."""
        if token in self._tokens or self._idle_pages >= MAX_IDLE_PAGES or self._pages >= MAX_PAGES:
            raise SourceError(
                f"The repository's list of {self._label} has no end. It is asked for again; if this stays, choose "
                "one of its sets, or look at the source's address."
            )
        self._tokens.add(token)
        return self._ask({"verb": "ListRecords", "resumptionToken": token})

    def _ask(self, params: Mapping[str, str]) -> DublinCorePage:
        request = FetchRequest(
            url=self._context.base_url,
            group=host_group_of(self._context.base_url),
            params=params,
            max_bytes=MAX_BYTES,
            deadline_seconds=DEADLINE_SECONDS,
            wait_seconds=WAIT_SECONDS,
        )
        return ask(self._context.send, request, parse_page, read_as=read_isolated)

    def _after(self, error: OaiError) -> DublinCorePage:
        """What to ask after an error that can be helped: a token that is known no more has the list begun anew.

        Raises:
            SourceError: it can't be helped.
        """
        if error.code in ("badResumptionToken", "noRecordsMatch") and self._tokens and self._restarts < MAX_RESTARTS:
            self._restarts += 1
            self._tokens.clear()
            self._seen.clear()
            self._idle_pages = 0
            self._from = max(self._from, self._newest or self._from)
            return self._list()
        raise SourceError(
            f"The repository answered {error} for {self._label} from {self._from}. "
            "If this stays, check the source's address and its sets."
        )

    def _note(self, page: DublinCorePage) -> None:
        self._began_on = self._began_on or page.answered_on or self._context.now.astimezone(UTC).date()
        self._pages += 1
        self._done += len(page.names)
        self._idle_pages = 0 if set(page.names) - self._seen else self._idle_pages + 1
        self._seen |= set(page.names)
        goes_on = page.newest is not None and (self._newest is None or page.newest >= self._newest)
        self._is_ordered = self._is_ordered and goes_on
        self._newest = page.newest if self._is_ordered else None

    def _first_day(self) -> date:
        """From when on to ask: a day more than what is missing, since a record may be filed under yesterday."""
        today = self._context.now.astimezone(UTC).date()
        if self._context.since:
            return min(self._context.since, today)
        done = parse_date(self._places.get(self._name))
        return min(done - timedelta(days=1) if done else today - timedelta(days=FIRST_DAYS), today)

    def _cursor(self) -> dict[str, Any]:
        today = self._context.now.astimezone(UTC).date()
        self._places[self._name] = min(self._began_on or today, today).isoformat()
        return {**self._context.cursor, "sets": dict(self._places)}


@dataclass(frozen=True, slots=True)
class _Read:
    """A record: its paper, or why it can't be read; neither where it is deleted or no paper."""

    header: OaiHeader
    paper: RawPaper | None = None
    error: str = ""
    payload: str = ""


def _read_record(record: Element, header: OaiHeader) -> _Read:
    metadata = next(iter(record.iterfind(f"{OAI}metadata/*")), None)
    if header.is_deleted:
        return _Read(header)
    if metadata is None or str(metadata.tag).rpartition("}")[2] != "dc":
        return _Read(header, error="The record is not in Dublin Core.", payload=serialize(record))
    fields: dict[str, list[str]] = {}
    for element in metadata.iterchildren("*"):
        if text := element_text(element).strip():
            fields.setdefault(str(element.tag).rpartition("}")[2], []).append(text)
    if not _may_be_paper(fields.get("type", ())):
        return _Read(header)
    title = next(filter(None, map(plain_line, fields.get("title", ()))), "")
    if not title or not header.identifier:
        return _Read(header, error="The record has no title or no identifier.", payload=serialize(record))
    return _Read(header, _paper(title, fields, header))


def _paper(title: str, fields: Mapping[str, Sequence[str]], header: OaiHeader) -> RawPaper:
    identifiers = fields.get("identifier", ())
    page = next((text for text in identifiers if text[:4].lower() == "http" and not _name_of(text)), None)
    page = page or next((text for text in identifiers if text[:4].lower() == "http"), None)
    name = _own_name([*identifiers, *filter(_ALT.fullmatch, fields.get("relation", ()))])
    own = _HAL_VERSION.fullmatch(header.identifier)
    abstracts = [plain_abstract(text) for text in fields.get("description", ())]
    people = (plain_line(text) for text in fields.get("creator", ()))
    rights = [text for text in fields.get("rights", ()) if text[:4].lower() == "http"]
    return RawPaper(
        source=RECORDS.name,
        title=title,
        arxiv_id=name[1] if name and name[0] == "arxiv" else None,
        doi=name[1] if name and name[0] == "doi" else None,
        identifiers=tuple(("url", each) for each in (own[1] if own else header.identifier, page) if each),
        abstract=max(abstracts, key=len, default="") or None,
        authors=tuple(RawAuthor(text) for text in dict.fromkeys(people) if text) or None,
        published_at=_published_at(fields.get("date", ()), header.changed_on),
        license=rights[0] if rights else None,
        url=page,
    )


def _name_of(text: str) -> Name | None:
    """The paper that an identifier is: an arXiv id, a DOI, or an address that is one's."""
    if alternative := _ALT.fullmatch(text):
        scheme, value = alternative[1].lower(), alternative[2]
        return paper_at(f"https://arxiv.org/abs/{value}") if scheme == "arxiv" else paper_of_doi(value)
    if arxiv := _ARXIV.fullmatch(text):
        return paper_at(f"https://arxiv.org/abs/{arxiv[1]}")
    return paper_at(text) or paper_of_doi(text)


def _own_name(identifiers: Sequence[str]) -> Name | None:
    """The arXiv id or DOI that a record gives as its own; None where it gives two of one kind."""
    return only_paper(name for text in identifiers if (name := _name_of(text)))


def _may_be_paper(types: Sequence[str]) -> bool:
    named = {text.rpartition("/")[2].replace(" ", "").lower() for text in types}
    return not named or bool(named - _NO_PAPERS)


def _published_at(dates: Sequence[str], changed_on: date | None) -> datetime | None:
    """The earliest date. One that is the year or month alone of the record's own day is that day."""
    found = [(match, moment) for text in dates if (match := _DAY.match(text)) and (moment := _moment(match))]
    if not found:
        return None
    match, moment = min(found, key=lambda pair: (pair[1], pair[0][3] is None))
    if match[3] is None and changed_on and changed_on.isoformat().startswith(match[0]):
        return datetime(changed_on.year, changed_on.month, changed_on.day, tzinfo=UTC)
    return moment


def _moment(match: re.Match[str]) -> datetime | None:
    try:
        return datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1), tzinfo=UTC)
    except ValueError:
        return None


def _sets(text: str) -> tuple[str, ...]:
    """Set names, separated by commas or blanks."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
