"""What a file holds, recognised by its content and not by its name, and its items in their order. No ORM.

JSON lines are passed on unread, so that the processes that store share the work of reading them; the other formats are
documents of a size that a source answers with, read whole by the parsers of their sources.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

from papers.outbound.errors import SourceError
from papers.services.paper_import.file_reader import UnreadableFileError, read_chunks, read_lines, read_whole
from papers.sources import arxiv_announcement_feed, arxiv_api, arxiv_oai, huggingface
from papers.sources.base import RawPaper, UnreadableRecord
from papers.sources.json_rows import ARXIV, HUGGINGFACE, InvalidRowError, parse_line, parse_row
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS

MAX_LINE = 4 << 20
"""Bytes of one row. A paper with 3,000 authors takes a twentieth of it."""
MAX_DOCUMENT = 64 << 20
"""Bytes of a file that is one document, unpacked."""
_HEAD = 64 << 10
_FIRST_LINES = 20

_ROOT = re.compile(rb"<([A-Za-z][\w.-]*:)?([A-Za-z][\w.-]*)[\s/>]")
_DAY_IN_NAME = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_NO_DAY = date.min


@dataclass(frozen=True, slots=True)
class FileItem:
    """One row or record. `place` counts from 1: lines of JSON lines, records of a document."""

    place: int
    line: bytes | None = None
    """A row that was not read yet."""
    papers: tuple[RawPaper, ...] = ()
    rejected: UnreadableRecord | None = None


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is asked of the reading of a file."""

    name: str
    """The file's name: answers of Hugging Face say by it which day was asked for."""
    site: str
    """Hugging Face's address."""
    lists: frozenset[str] = frozenset()
    """Whose lists are kept; see `sources.json_rows.LISTS`."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """The name of a file's format, and its items, which are read from the file as they are taken."""

    format: str
    items: Iterator[FileItem]


def detect_format(file: BinaryIO, options: ReadOptions) -> FileContent:
    """The format of a file and its items.

    Raises:
        UnreadableFileError: it is in no format that is read; `items` raises it too.
    """
    pieces = read_chunks(file)
    head = b""
    taken = []
    for piece in pieces:
        taken.append(piece)
        head += piece
        if len(head) >= _HEAD:
            break
    start = head[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = _kind(start)
    rest = itertools.chain(taken, pieces)
    if kind == "rows":
        return FileContent("JSON lines", _rows(rest))
    read, name = _DOCUMENTS[kind]
    return FileContent(name, _items(read, rest, options))


def parse_item(item: FileItem, options: ReadOptions) -> FileItem:
    """An item with what its line says, and only with those lists that are wanted."""
    if item.line is None:
        return replace(item, papers=tuple(_with_lists(paper, options.lists) for paper in item.papers))
    try:
        papers = parse_row(parse_line(item.line), position=item.place, site=options.site)
    except InvalidRowError as error:
        return replace(item, line=None, rejected=_rejected(item.line, str(error)))
    kept = [_with_lists(paper, options.lists) for paper in papers]
    # A record that only lists says nothing when its list is not wanted.
    return replace(item, line=None, papers=(kept[0], *(paper for paper in kept[1:] if paper.listed_on)))


def _with_lists(paper: RawPaper, lists: frozenset[str]) -> RawPaper:
    on = paper.listed_on
    if on is None or (HUGGINGFACE if on.kind == "daily" else ARXIV) in lists:
        return paper
    external_counts = paper.external_counts and replace(
        paper.external_counts, counted_on=paper.external_counts.counted_on or on.day
    )
    return replace(paper, listed_on=None, external_counts=external_counts)


def _kind(start: bytes) -> str:
    if not start:
        raise UnreadableFileError("it is empty")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableFileError("it is written in UTF-16; write it in UTF-8")
    if b"\x00" in start:
        raise UnreadableFileError("it is a binary file, not JSON or XML")
    if start.startswith(b"<"):
        return _kind_of_xml(start)
    if start.startswith(b"["):
        return "json"
    first, _, more = start.partition(b"\n")
    if first.strip() == b"{" or (more and not _is_json(first) and _is_json(start)):
        return "json"
    if any(line.lstrip().startswith(b"{") for line in start.split(b"\n")[:_FIRST_LINES]):
        return "rows"
    raise UnreadableFileError(
        "it is in no format that is read here: JSON lines with one paper each, arXiv's Atom, RSS or OAI-PMH, "
        "Hugging Face's daily papers as JSON"
    )


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _kind_of_xml(start: bytes) -> str:
    root = _ROOT.search(start)
    name = root[2].decode() if root else ""
    if name == "OAI-PMH":
        return "oai"
    if name in ("rss", "RDF") or (name == "feed" and b"announce_type" in start):
        return "rss"
    if name == "feed":
        return "atom"
    raise UnreadableFileError(
        f"it is XML that is not read here{f' (<{name}>)' if name else ''}: arXiv's Atom, RSS or OAI-PMH is"
    )


def _rows(pieces: Iterable[bytes]) -> Iterator[FileItem]:
    for number, line in read_lines(pieces, max_bytes=MAX_LINE):
        if line is None:
            error = f"The row is longer than {MAX_LINE >> 20} MB."
            yield FileItem(number, rejected=UnreadableRecord("", "", error))
        else:
            yield FileItem(number, line=line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


ParsedDocument = tuple[Iterable[RawPaper], Iterable[UnreadableRecord]]
"""The papers of a document, and the records in it that could not be read."""
DocumentParser = Callable[[bytes, ReadOptions], ParsedDocument]


def _items(read: DocumentParser, pieces: Iterable[bytes], options: ReadOptions) -> Iterator[FileItem]:
    """The records of a document, then those that could not be read."""
    try:
        papers, rejected = read(read_whole(pieces, max_bytes=MAX_DOCUMENT), options)
    except SourceError as error:
        raise UnreadableFileError(f"it can't be read as what it begins as ({error})") from error
    place = 0
    for place, paper in enumerate(papers, start=1):
        yield FileItem(place, papers=(paper,))
    for number, record in enumerate(rejected, start=place + 1):
        yield FileItem(number, rejected=record)


def _read_atom(data: bytes, options: ReadOptions) -> ParsedDocument:
    results = arxiv_api.parse_search_page(data)
    if results.error:
        raise UnreadableFileError(f"it is an error that arXiv answered ({results.error})")
    return results.papers, results.rejected


def _read_rss(data: bytes, options: ReadOptions) -> ParsedDocument:
    feed = arxiv_announcement_feed.parse_feed(data, now=datetime.now(UTC))
    return [item.record for item in feed.items if item.record], [item.rejected for item in feed.items if item.rejected]


def _read_oai(data: bytes, options: ReadOptions) -> ParsedDocument:
    page = arxiv_oai.parse_page(data)
    if page.error:
        raise UnreadableFileError(f"it is an error that an OAI-PMH server answered ({page.error})")
    return page.papers, page.rejected


def _read_json(data: bytes, options: ReadOptions) -> ParsedDocument:
    """A day's list of Hugging Face, or rows as those of JSON lines in one list."""
    try:
        found = json.loads(data)
    except RecursionError:
        raise UnreadableFileError("it is JSON that is nested too deeply") from None
    except ValueError as error:
        raise UnreadableFileError(f"it is not complete JSON ({error})") from None
    items = found if isinstance(found, list) else [found]
    if any(isinstance(item, dict) and "title" in item and "paper" not in item for item in items):
        return _read_rows(items, options)
    if not isinstance(found, list):
        raise UnreadableFileError("it is a JSON object that is no paper")
    named = _DAY_IN_NAME.search(options.name)
    asked = _day(named[0]) if named else _NO_DAY
    day = huggingface.parse_list(data, day=asked, site=options.site)
    return [_without_guess(paper) for paper in day.papers], day.rejected


def _without_guess(paper: RawPaper) -> RawPaper:
    """Neither the answer nor the file's name tells the day."""
    return replace(paper, listed_on=None) if paper.listed_on and paper.listed_on.day == _NO_DAY else paper


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _NO_DAY


def _read_rows(items: list[Any], options: ReadOptions) -> ParsedDocument:
    papers: list[RawPaper] = []
    rejected = []
    for position, item in enumerate(items, start=1):
        try:
            if not isinstance(item, dict):
                raise InvalidRowError("The item is not an object with the fields of a paper.")
            papers += parse_row(item, position=position, site=options.site)
        except InvalidRowError as error:
            rejected.append(_rejected(json.dumps(item).encode(), str(error)))
    return papers, rejected


def _rejected(line: bytes, error: str) -> UnreadableRecord:
    return UnreadableRecord("", line[:MAX_PAYLOAD_CHARACTERS].decode("utf-8", "replace"), error)


_DOCUMENTS: dict[str, tuple[DocumentParser, str]] = {
    "atom": (_read_atom, "arXiv's Atom"),
    "rss": (_read_rss, "arXiv's RSS"),
    "oai": (_read_oai, "OAI-PMH"),
    "json": (_read_json, "JSON"),
}
