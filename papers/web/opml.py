"""How a list of feeds is written as OPML 2.0 (opml.org/spec2.opml), which feed readers take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from xml.sax.xmlreader import AttributesImpl

from django.utils.xmlutils import SimplerXMLGenerator

from papers.text.cleaning import safe_text

OPML_TYPE = "text/x-opml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class NamedFeed:
    """A feed and the page that shows the same; the addresses are absolute, or paths where a page shows them."""

    name: str
    page: str
    atom: str
    json: str


@dataclass(frozen=True, slots=True)
class FeedGroup:
    """Feeds under one heading."""

    title: str
    feeds: tuple[NamedFeed, ...]
    is_own: bool = False
    """Whoever has an address of these reads what is one reader's own."""


def write_opml(title: str, groups: Iterable[FeedGroup], *, origin: str = "") -> bytes:
    """The feeds as OPML in UTF-8, each group a folder. `origin` stands before each address."""
    out = StringIO()
    xml = SimplerXMLGenerator(out, "utf-8")
    xml.startDocument()
    xml.startElement("opml", AttributesImpl({"version": "2.0"}))
    xml.startElement("head", AttributesImpl({}))
    xml.addQuickElement("title", _line(title))
    xml.endElement("head")
    xml.startElement("body", AttributesImpl({}))
    for group in groups:
        if not group.feeds:
            continue
        xml.startElement("outline", AttributesImpl({"text": _line(group.title), "title": _line(group.title)}))
        for feed in group.feeds:
            name = _line(feed.name)
            found = {"type": "rss", "text": name, "title": name}
            xml.addQuickElement("outline", "", {**found, "xmlUrl": origin + feed.atom, "htmlUrl": origin + feed.page})
        xml.endElement("outline")
    xml.endElement("body")
    xml.endElement("opml")
    xml.endDocument()
    return out.getvalue().encode()


def _line(text: str) -> str:
    return " ".join(safe_text(text).split()) or "Untitled"
