"""OAI-PMH 2.0 without what its records hold: errors, pages, tokens, flow control.

https://www.openarchives.org/OAI/openarchivesprotocol.html. Errors come with status 200. Which metadata is read, and
into what, says who asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Generic, TypeVar

from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.arxiv import WAIT_SECONDS, parse_date
from papers.sources.base import UnreadableRecord
from papers.sources.isolated import read_large_isolated
from papers.sources.xml import BrokenRecord, BrokenXmlError, SalvagedXml, iterate_xml, parse_xml, salvage_xml
from papers.text.xml import Element, child_text

Page = TypeVar("Page")
Record = TypeVar("Record")

OAI = "{http://www.openarchives.org/OAI/2.0/}"
MAX_RETRIES = 3
_PARTS = ("responseDate", "error", "record", "resumptionToken")


class NoOaiError(SourceError):
    """The answer is XML, and not OAI-PMH."""


@dataclass(frozen=True, slots=True)
class OaiError:
    """An error as OAI-PMH tells it, such as noRecordsMatch."""

    code: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.text else self.code


@dataclass(frozen=True, slots=True)
class OaiHeader:
    """What a record says of itself; empty or None where it does not."""

    identifier: str
    changed_on: date | None
    is_deleted: bool


@dataclass(slots=True)
class OaiAnswer(Generic[Record]):
    """One answer. `token` is empty on the last page of a list."""

    records: list[Record] = field(default_factory=list)
    broken: list[UnreadableRecord] = field(default_factory=list)
    """Records that are not well-formed, where others of the page are."""
    token: str = ""
    error: OaiError | None = None
    answered_on: date | None = None


def read_answer(data: bytes, read: Callable[[Element, OaiHeader], Record]) -> OaiAnswer[Record]:
    """Read an answer to ListRecords or GetRecord, each record with `read`, deleted ones too. Where a page is not
    well-formed, what is well-formed of its records.

    Raises:
        BrokenXmlError: it is cut, not XML, or no record of it can be read.
        NoOaiError: it is XML of another kind, such as a page that says that the server rests.
    """
    answer: OaiAnswer[Record] = OaiAnswer()
    try:
        for element in iterate_xml(data, *(f"{OAI}{name}" for name in _PARTS)):
            _add(answer, element, read)
    except BrokenXmlError:
        salvaged = salvage_xml(data, "record")
        if salvaged is None or salvaged.is_cut:
            raise
        return _read_salvaged(salvaged, read)
    if not (answer.records or answer.error or answer.token or answer.answered_on):
        raise NoOaiError(
            "What answered is XML, but no OAI-PMH. It is asked for again; if this stays, open the address and look."
        )
    return answer


def header_of(record: Element) -> OaiHeader:
    """The header of a record."""
    header = record.find("{*}header")
    if header is None:
        return OaiHeader("", None, is_deleted=False)
    identifier = (child_text(header, "{*}identifier") or "").strip()
    changed_on = parse_date(child_text(header, "{*}datestamp"))
    return OaiHeader(identifier, changed_on, is_deleted=header.get("status") == "deleted")


def ask(
    send: Callable[[FetchRequest], FetchResponse],
    request: FetchRequest,
    parse: Callable[[bytes], Page],
    *,
    read_as: Callable[[Callable[[bytes], Page], bytes], Page] = read_large_isolated,
) -> Page:
    """The answer to a request, read by `parse`, a pure function of a module; `read_as` says in which process.

    Where the server says in how many moments to come again, it is asked again: that is the protocol's own flow control,
    and the host's rate limit keeps the wait.

    Raises:
        SourceError: there is no answer.
    """
    for _ in range(MAX_RETRIES):
        try:
            return read_as(parse, send(request).body)
        except HttpStatusError as error:
            is_moment = error.retry_after_seconds is not None and error.retry_after_seconds < WAIT_SECONDS
            if error.status != HTTPStatus.SERVICE_UNAVAILABLE or not is_moment:
                raise
    return read_as(parse, send(request).body)


def _add(answer: OaiAnswer[Record], element: Element, read: Callable[[Element, OaiHeader], Record]) -> None:
    name = str(element.tag).removeprefix(OAI)
    if name == "responseDate":
        answer.answered_on = parse_date(element.text)
    elif name == "error":
        answer.error = OaiError(element.get("code", "undefinedError"), (element.text or "").strip()[:500])
    elif name == "resumptionToken":
        answer.token = (element.text or "").strip()
    else:
        answer.records.append(read(element, header_of(element)))


def _read_salvaged(salvaged: SalvagedXml, read: Callable[[Element, OaiHeader], Record]) -> OaiAnswer[Record]:
    """A page that is not well-formed, record by record.

    Raises:
        BrokenXmlError: what stands behind the records can't be read, so that nobody knows whether more follow.
    """
    answer: OaiAnswer[Record] = OaiAnswer()
    if salvaged.head is not None:
        answer.answered_on = parse_date(salvaged.head.findtext(f"{OAI}responseDate"))
    for record in salvaged.records:
        if isinstance(record, BrokenRecord):
            identifier = header_of(record.guess).identifier if record.guess is not None else ""
            error = "The record is not well-formed XML."
            answer.broken.append(UnreadableRecord(identifier, record.payload, error))
        else:
            answer.records.append(read(record, header_of(record)))
    start = salvaged.tail.find(b"<resumptionToken")
    if start >= 0:
        end = salvaged.tail.find(b"</ListRecords>", start)
        token = parse_xml(salvaged.tail[start : end if end >= 0 else None])
        answer.token = (token.text or "").strip()
    return answer
