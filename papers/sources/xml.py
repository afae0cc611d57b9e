"""The answers of sources as XML: `papers.text.xml`, its errors as failures of a visit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
