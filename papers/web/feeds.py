"""What it knows: how a list of papers becomes a feed, Atom (RFC 4287) or JSON Feed 1.1. The only writer of feeds.

Text is cleaned of what XML refuses, abstracts become safe HTML (papers/text/html.py), and nothing in a feed depends on
when it is asked for: the same papers give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.xmlreader import AttributesImpl

from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator

from papers.text.cleaning import safe_text
from papers.text.html import paragraphs, plain_text

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
MAX_AUTHORS = 50

# Of a feed without entries, which must have a date all the same.
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


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


class _AtomDocument(Atom1Feed):
    """Django's Atom with what it lacks: more than one author, the whole text as content, the page at the source."""

    def latest_post_date(self) -> datetime:
        updated: datetime = self.feed["updated"]
        return updated

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item | {"description": None})  # else it would be a summary
        if item["source"]:
            handler.addQuickElement("link", "", {"rel": "related", "href": item["source"]})
        for name in item["authors"]:
            handler.startElement("author", AttributesImpl({}))
            handler.addQuickElement("name", name)
            handler.endElement("author")
        handler.addQuickElement("content", item["description"], {"type": "html"})


def atom_feed(feed: PaperFeed) -> bytes:
    """The feed as Atom, in UTF-8."""
    document = _AtomDocument(
        title=_line(feed.title),
        link=feed.address,
        description="",
        subtitle=_line(feed.description) or None,
        language="en",
        # Every entry has an author; where a paper names none, the feed's holds.
        author_name="Broadsheet",
        feed_url=feed.atom_address,
        feed_guid=feed.id,
        updated=_naive(feed.updated),
    )
    for entry in feed.entries:
        document.add_item(
            title=_title(entry),
            link=safe_text(entry.address),
            description=_content(entry),
            unique_id=entry.id,
            pubdate=_naive(entry.published),
            updateddate=_naive(entry.updated),
            categories=[safe_text(category) for category in entry.categories],
            authors=_authors(entry),
            source=safe_text(entry.source) if _is_web(entry.source) else "",
        )
    return document.writeString("utf-8").encode()


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
    return paragraphs(entry.abstract) or "<p>No abstract available.</p>"


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


def _naive(at: datetime) -> datetime:
    """A time in UTC, in whole seconds and without its zone: Django writes such with a Z."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _time(at: datetime) -> str:
    # Not strftime: it writes the year 999 with three digits, which RFC 3339 doesn't know.
    return _naive(at).isoformat() + "Z"
