"""How XML and HTML from strangers are read: no entities, no network, bounded. All of lxml is here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lxml import etree

Element = etree._Element

MAX_ELEMENTS = 500_000

_SPACE = re.compile(rb"\s*+")
# What no XML 1.0 document may hold, raw or as a reference; one such byte in one abstract would cost a whole page.
_CONTROLS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bcefBCEF]|1[\da-fA-F]));"
)


class XmlError(ValueError):
    """A document is cut, or not XML; the message is the parser's."""


class DocumentTypeError(XmlError):
    """A document declares a document type, which is not read."""


def parse_xml(data: bytes) -> Element:
    """The root element. Control characters that XML forbids are dropped, since sources do send them.

    Raises:
        XmlError: it is cut, not XML, or has a document type.
    """
    try:
        return _parse(_checked(data), recover=False)
    except etree.XMLSyntaxError as error:
        raise XmlError(error.msg) from error


def parse_cut_xml(data: bytes) -> Element | None:
    """What can be read of a document that ends in the middle; None when that is nothing."""
    try:
        root: Element | None = _parse(_checked(data), recover=True)
    except etree.XMLSyntaxError:
        return None
    return root


def parse_any_xml(data: bytes, *, encoding: str | None = None) -> Element | None:
    """What can be read of a document that may be broken; None when that is nothing. Entities of its own, comments and
    instructions are left out. `encoding` is what the answer's header says, which counts more than its own word."""
    for name in dict.fromkeys((encoding, None)):
        try:
            parser = etree.XMLParser(
                resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
                recover=True, remove_comments=True, remove_pis=True, encoding=name,
            )  # fmt: skip
            root: Element | None = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, LookupError, ValueError):
            continue
        if root is not None:
            etree.strip_tags(root, etree.Entity)
            return root
    return None


def without_doctype(data: bytes) -> bytes:
    """A document without its declarations of entities: they are not needed, and every trick with entities does."""
    parts: list[bytes] = []
    position = 0
    while (start := data.find(b"<!ENTITY", position)) >= 0 and (end := data.find(b">", start)) >= 0:
        parts.append(data[position:start])
        position = end + 1
    return b"".join((*parts, data[position:]))


def element_as_xml(root: Element) -> bytes:
    """A document of its own in UTF-8."""
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, with_tail=False)


def iterate_xml(data: bytes, *tags: str) -> Iterator[Element]:
    """Each element with one of `tags` (`{namespace}name`), emptied when the next is taken, so that a page of thousands
    of records is not held as a tree.

    Raises:
        XmlError: as `parse_xml`; what was yielded before is good.
    """
    try:
        for _, element in etree.iterparse(
            BytesIO(_checked(data)), tag=tags, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        ):
            yield element
            element.clear(keep_tail=False)
            while element.getprevious() is not None and (parent := element.getparent()) is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise XmlError(error.msg) from error


def iterate_children(data: bytes) -> Iterator[Element]:
    """Each child of the root, whole, and emptied when the next is taken.

    Raises:
        XmlError: as `parse_xml`, or it has more than half a million elements; what was yielded before is good.
    """
    depth = count = 0
    try:
        for event, element in etree.iterparse(
            BytesIO(_checked(data)), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            if event == "start":
                depth, count = depth + 1, count + 1
                if count > MAX_ELEMENTS:
                    raise XmlError("It has too many elements.")
                continue
            depth -= 1
            if depth == 1:
                yield element
                element.clear(keep_tail=False)
                while element.getprevious() is not None and (parent := element.getparent()) is not None:
                    del parent[0]
    except etree.XMLSyntaxError as error:
        raise XmlError(error.msg) from error


def child_text(parent: Element, path: str) -> str | None:
    """The text of the first child at `path`, its markup dropped; None where there is no such child."""
    found = parent.find(path)
    return None if found is None else element_text(found)


def element_text(element: Element) -> str:
    """All text within an element."""
    return "".join(str(part) for part in element.itertext())


def serialize(element: Element) -> str:
    """An element as XML again."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def indented_xml(text: str) -> str:
    """A piece of XML with its lines indented; empty where it is not XML."""
    try:
        root = parse_xml(text.encode())
    except XmlError:
        return ""
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def feed_html(text: str, target: Any) -> None:
    """Call `target` (lxml's parser target: start, end, data, close) with what a page holds.

    Broken pages are read as far as they go; nothing is raised.
    """
    parser = etree.HTMLParser(target=target, encoding="utf-8", no_network=True, huge_tree=False)
    try:
        parser.feed(text.replace("\x00", "").encode("utf-8", errors="replace"))
        parser.close()
    except etree.LxmlError:  # an empty page, or one nested too deep
        return


def _checked(data: bytes) -> bytes:
    """Refuses document types, which no source here needs and every trick with entities does."""
    is_wide = b"\x00" in data[:4]  # UTF-16 or UTF-32
    if _has_doctype((data.replace(b"\x00", b"") if is_wide else data).lstrip(b"\xef\xbb\xbf\xff\xfe")):
        raise DocumentTypeError("It declares a document type, which is not read.")
    return data if is_wide else _CONTROLS.sub(b"", data)


def _has_doctype(data: bytes) -> bool:
    """Whether a declaration stands before the root element, after what else may stand there."""
    position = 0
    while True:
        position = _SPACE.match(data, position).end()  # type: ignore[union-attr]  # matches the empty string, too
        end = b"?>" if data.startswith(b"<?", position) else b"-->" if data.startswith(b"<!--", position) else b""
        if not end:
            return data.startswith(b"<!", position)
        found = data.find(end, position + (4 if end == b"-->" else 2))
        if found < 0:
            return False
        position = found + len(end)


def _parse(data: bytes, *, recover: bool) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=recover
    )
    return etree.fromstring(data, parser)
