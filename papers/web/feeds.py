"""What it knows: how a list of papers becomes a feed, Atom (RFC 4287) or JSON Feed 1.1. Pure; the only writer of feeds.

Text is cleaned of what XML refuses, abstracts become safe HTML (papers/text/html.py), and nothing in a feed depends on
when it is asked for: the same papers give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from papers.text.cleaning import safe_text
from papers.text.html import paragraphs, plain_text

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
MAX_AUTHORS = 50

_ATOM = "http://www.w3.org/2005/Atom"
# Of a feed without entries, which must have a date all the same.
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)

ET.register_namespace("", _ATOM)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A paper. Texts as they are stored; times in UTC."""

    id: str
    """An IRI that stays the same for ever."""
    address: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    published: datetime
    updated: datetime
    """When the paper itself changed last, not when it was voted for."""
    source: str = ""
    """Its page at the source."""


@dataclass(frozen=True, slots=True)
class PaperFeed:
    """A list of papers; the addresses are absolute."""

    id: str
    title: str
    address: str
    """The page that shows the same."""
    atom_address: str
    json_address: str
    entries: Sequence[FeedEntry]
    description: str = ""

    @property
    def updated(self) -> datetime:
        return max((entry.updated for entry in self.entries), default=_NEVER)


def atom_feed(feed: PaperFeed) -> bytes:
    """The feed as Atom."""
    root = ET.Element(_name("feed"), {"xml:lang": "en"})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    if feed.description:
        _text(root, "subtitle", feed.description)
    _text(root, "updated", _time(feed.updated))
    _link(root, "alternate", feed.address, "text/html")
    _link(root, "self", feed.atom_address, "application/atom+xml")
    # Every entry has an author; where a paper names none, the feed's holds.
    _text(ET.SubElement(root, _name("author")), "name", "Broadsheet")
    for entry in feed.entries:
        _entry(root, entry)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def json_feed(feed: PaperFeed) -> bytes:
    """The feed as JSON Feed 1.1."""
    about = {"description": _line(feed.description)} if feed.description else {}
    found = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _line(feed.title),
        **about,
        "home_page_url": feed.address,
        "feed_url": feed.json_address,
        "language": "en",
        "items": [_item(entry) for entry in feed.entries],
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _entry(root: ET.Element, entry: FeedEntry) -> None:
    element = ET.SubElement(root, _name("entry"))
    _text(element, "id", entry.id)
    _text(element, "title", _title(entry))
    _text(element, "published", _time(entry.published))
    _text(element, "updated", _time(entry.updated))
    _link(element, "alternate", entry.address, "text/html")
    if _is_web(entry.source):
        _link(element, "related", entry.source)
    for name in _authors(entry):
        _text(ET.SubElement(element, _name("author")), "name", name)
    for category in entry.categories:
        ET.SubElement(element, _name("category"), {"term": safe_text(category)})
    content = ET.SubElement(element, _name("content"), {"type": "html"})
    content.text = _content(entry)


def _item(entry: FeedEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "url": entry.address,
        **({"external_url": safe_text(entry.source)} if _is_web(entry.source) else {}),
        "title": _title(entry),
        "content_html": _content(entry),
        "date_published": _time(entry.published),
        "date_modified": _time(entry.updated),
        "authors": [{"name": name} for name in _authors(entry)],
        "tags": [safe_text(category) for category in entry.categories],
    }


def _title(entry: FeedEntry) -> str:
    return _line(plain_text(entry.title)) or "Without a title"


def _content(entry: FeedEntry) -> str:
    return paragraphs(entry.abstract) or "<p>No abstract has been fetched.</p>"


def _authors(entry: FeedEntry) -> list[str]:
    """The first of them, and how many more there are."""
    names = [_line(plain_text(name)) for name in entry.authors[:MAX_AUTHORS]]
    more = len(entry.authors) - MAX_AUTHORS
    return [name for name in names if name] + ([f"and {more:,} others"] if more > 0 else [])


def _line(text: str) -> str:
    return " ".join(safe_text(text).split())


def _is_web(address: str) -> bool:
    """Whether a reader may follow it: what else an address can be, `javascript:` say, is left out."""
    return address.startswith(("https://", "http://"))


def _time(at: datetime) -> str:
    # Not strftime: it writes the year 999 with three digits, which RFC 3339 doesn't know.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _name(tag: str) -> str:
    return f"{{{_ATOM}}}{tag}"


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, _name(tag)).text = _line(text)


def _link(parent: ET.Element, rel: str, address: str, kind: str = "") -> None:
    ET.SubElement(parent, _name("link"), {"rel": rel, "href": safe_text(address)} | ({"type": kind} if kind else {}))
