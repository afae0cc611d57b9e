"""The answers of sources as XML: `papers.text.xml`, its errors as failures of a fetch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from papers.outbound.errors import SourceError
from papers.text import xml
from papers.text.xml import DocumentTypeError, Element, XmlError

MAX_PAYLOAD_CHARACTERS = 64 * 1024
"""Of a record that could not be read, as much is kept."""


class BrokenXmlError(SourceError):
    """The answer is not well-formed XML, or holds what is not read here."""


def parse_xml(data: bytes) -> Element:
    """The root element. Control characters that XML forbids are dropped, since sources do send them.

    Raises:
        BrokenXmlError: it is cut, not XML, or has a document type.
    """
    with _as_failed_visit():
        return xml.parse_xml(data)


def parse_cut_xml(data: bytes) -> Element | None:
    """What can be read of a document that ends in the middle; None when that is nothing.

    Raises:
        BrokenXmlError: it has a document type.
    """
    with _as_failed_visit():
        return xml.parse_cut_xml(data)


def iterate_xml(data: bytes, *tags: str) -> Iterator[Element]:
    """Each element with one of `tags` (`{namespace}name`), emptied when the next is asked for.

    Raises:
        BrokenXmlError: as `parse_xml`; what was yielded before is good.
    """
    with _as_failed_visit():
        yield from xml.iterate_xml(data, *tags)


@dataclass(frozen=True, slots=True)
class SalvagedXml:
    """What is left of a document that is not well-formed, record by record."""

    root_name: str
    head: Element | None
    """The root with what stands before the first record, as far as it can be read."""
    records: tuple[Element | BrokenRecord, ...]
    tail: bytes
    """Behind the last record."""
    is_cut: bool
    """It ends in the middle."""


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A record that is not well-formed: its text, and what a lenient reader makes of it."""

    payload: str
    guess: Element | None


def salvage_xml(data: bytes, *names: str) -> SalvagedXml | None:
    """Read a document that is not well-formed record by record, each record an element of one of these names without
    a prefix; None where no record is whole. Time in proportion to its length.

    Raises:
        BrokenXmlError: it has a document type.
    """
    root = _root_tag(data)
    starts = min((at for name in names if (at := _find_tag(data, name, 0)) >= 0), default=-1)
    if root is None or starts < 0:
        return None
    root_name, prolog = root
    name = next(each for each in names if _find_tag(data, each, starts) == starts)
    close, end_of_root = f"</{name}>".encode(), f"</{root_name}>".encode()
    head = parse_cut_xml(data[:starts])
    records: list[Element | BrokenRecord] = []
    position = starts
    while (start := _find_tag(data, name, position)) >= 0 and (end := data.find(close, start)) >= 0:
        position = end + len(close)
        records.append(_salvage_record(prolog, data[start:position], end_of_root))
    if not any(not isinstance(record, BrokenRecord) for record in records):
        return None
    tail = data[position:]
    return SalvagedXml(root_name, head, tuple(records), tail, is_cut=end_of_root not in tail)


def _salvage_record(prolog: bytes, part: bytes, end_of_root: bytes) -> Element | BrokenRecord:
    whole = prolog + part + end_of_root
    try:
        return xml.parse_xml(whole)[0]
    except (XmlError, IndexError):
        guess = parse_cut_xml(whole)
        payload = part[:MAX_PAYLOAD_CHARACTERS].decode("utf-8", errors="replace")
        return BrokenRecord(payload, guess[0] if guess is not None and len(guess) else None)


def _root_tag(data: bytes) -> tuple[str, bytes] | None:
    """The name of the root, and all up to the end of its tag: the declaration and the namespaces."""
    position = 0
    while (start := data.find(b"<", position)) >= 0:
        if data[start + 1 : start + 2] in (b"?", b"!"):
            position = start + 2
            continue
        end = data.find(b">", start)
        words = data[start + 1 : end].split(None, 1) if end > start else []
        return (words[0].decode("ascii", errors="replace"), data[: end + 1]) if words else None
    return None


def _find_tag(data: bytes, name: str, position: int) -> int:
    """Where the next tag of this very name begins; -1 where there is none."""
    tag = f"<{name}".encode()
    while (found := data.find(tag, position)) >= 0:
        if data[found + len(tag) : found + len(tag) + 1] in (b">", b" ", b"\n", b"\r", b"\t"):
            return found
        position = found + len(tag)
    return -1


def serialize(element: Element) -> str:
    """An element as XML again, cut to what is kept of a record that could not be read."""
    return xml.serialize(element)[:MAX_PAYLOAD_CHARACTERS]


@contextmanager
def _as_failed_visit() -> Iterator[None]:
    try:
        yield
    except DocumentTypeError as error:
        raise BrokenXmlError(
            "The answer declares a document type, which is not read; look what is at the address."
        ) from error
    except XmlError as error:
        raise BrokenXmlError(
            f"The answer is not whole or not XML ({error}). It is asked for again; "
            "if this stays, open the address and look what it answers."
        ) from error
