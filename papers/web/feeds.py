"""How a list of papers becomes a feed, Atom (RFC 4287) or JSON Feed 1.1. The only writer of feeds.

Text is cleaned of what XML refuses, abstracts become safe HTML (papers/text/html.py), and nothing in a feed depends on
when it is asked for: the same papers give the same bytes. A document is kept small, and says where the older entries
are (RFC 5005; `next_url` in JSON).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import Any
from xml.sax.xmlreader import AttributesImpl

from django.utils.encoding import iri_to_uri
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator

from papers.text.cleaning import safe_text
from papers.text.html import paragraphs, plain_text

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
HISTORY = "http://purl.org/syndication/history/1.0"
"""The namespace of RFC 5005."""
MAX_AUTHORS = 50
MAX_ENTRIES = 200
MAX_BYTES = 300_000
"""Of a document, in either form; but one entry is always in it."""
_HEAD_BYTES = 4_000
_TAG_BYTES = 60
"""What an author or a category costs beside its name, at most."""
_ENTRY_BYTES = 700
"""What the names of elements and keys cost an entry, at most."""

# Of a feed without entries, which must have a date all the same.
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A paper, or something else that a list has. Texts as they are stored; times in UTC."""

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
    summary: str = ""
    """What it does, in a sentence or two; beside the abstract, not in its place."""
    content: str = ""
    """Safe HTML that stands for the abstract; empty: the abstract is made into it."""


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
    atom_links: Sequence[tuple[str, str]] = ()
    """Relation and address of the other documents of the same list, as RFC 5005 names them."""
    json_older: str = ""
    """Where the next older entries are as JSON."""
    is_archive: bool = False
    """No more entries come into this document."""

    @property
    def updated(self) -> datetime:
        return max((entry.updated for entry in self.entries), default=_NEVER)


def with_content(entry: FeedEntry) -> FeedEntry:
    """The entry with its HTML made, so that it is made once for all that measure and write it."""
    return replace(entry, content=_content(entry))


def fitting(entries: Sequence[FeedEntry]) -> int:
    """How many of the entries one document takes, 1 at least where there is any."""
    left = MAX_BYTES - _HEAD_BYTES
    for number, entry in enumerate(entries[:MAX_ENTRIES]):
        left -= _most_bytes(entry)
        if left < 0:
            return max(number, 1)
    return min(len(entries), MAX_ENTRIES)


def _most_bytes(entry: FeedEntry) -> int:
    """No fewer bytes than the entry takes in either form. Atom has HTML escaped, which is the longer one."""
    texts = json.dumps(
        [_content(entry), _summary(entry), _title(entry), entry.address, entry.source, entry.id], ensure_ascii=False
    )
    names = [*_authors(entry), *entry.categories]
    return (
        len(escape(texts).encode("utf-8", errors="replace"))
        + sum(len(escape(name).encode("utf-8", errors="replace")) + _TAG_BYTES for name in names)
        + _ENTRY_BYTES
    )


class _AtomDocument(Atom1Feed):
    """Django's Atom with what it lacks: more than one author, the whole text as content, the page at the source, and
    the links of RFC 5005."""

    def root_attributes(self) -> dict[str, str]:
        found: dict[str, str] = super().root_attributes()
        return {**found, "xmlns:fh": HISTORY} if self.feed["is_archive"] else found

    def add_root_elements(self, handler: SimplerXMLGenerator) -> None:
        super().add_root_elements(handler)
        for relation, address in self.feed["links"]:
            handler.addQuickElement("link", "", {"rel": relation, "href": address})
        if self.feed["is_archive"]:
            handler.startElement("fh:archive", AttributesImpl({}))
            handler.endElement("fh:archive")

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
        if item["summary"]:
            handler.addQuickElement("summary", item["summary"])
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
        links=feed.atom_links,
        is_archive=feed.is_archive,
    )
    for entry in feed.entries:
        document.add_item(
            title=_title(entry),
            link=safe_text(entry.address),
            description=_content(entry),
            unique_id=entry.id,
            pubdate=_naive(entry.published),
            updateddate=_naive(entry.updated),
            categories=_categories(entry),
            authors=_authors(entry),
            source=_source(entry),
            summary=_summary(entry),
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
        **({"next_url": feed.json_older} if feed.json_older else {}),
        "language": "en",
        "items": [_item(entry) for entry in feed.entries],
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _item(entry: FeedEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "url": entry.address,
        **({"external_url": source} if (source := _source(entry)) else {}),
        "title": _title(entry),
        **({"summary": summary} if (summary := _summary(entry)) else {}),
        "content_html": _content(entry),
        "date_published": _time(entry.published),
        "date_modified": _time(entry.updated),
        "authors": [{"name": name} for name in _authors(entry)],
        "tags": _categories(entry),
    }


def _title(entry: FeedEntry) -> str:
    return _line(plain_text(entry.title)) or "Without a title"


def _summary(entry: FeedEntry) -> str:
    return _line(plain_text(entry.summary))


def _content(entry: FeedEntry) -> str:
    return entry.content or paragraphs(entry.abstract) or "<p>No abstract available.</p>"


def _authors(entry: FeedEntry) -> list[str]:
    """The first of them, and how many more there are."""
    names = [_line(plain_text(name)) for name in entry.authors[:MAX_AUTHORS]]
    more = len(entry.authors) - MAX_AUTHORS
    return [name for name in names if name] + ([f"and {more:,} others"] if more > 0 else [])


def _line(text: str) -> str:
    return " ".join(safe_text(text).split())


def _categories(entry: FeedEntry) -> list[str]:
    return [line for category in entry.categories if (line := _line(category))]


def _source(entry: FeedEntry) -> str:
    """Its page at the source, with signs escaped that no address may have (RFC 3986); empty where a reader may not
    follow it: what else an address can be, `javascript:` say, is left out."""
    address = entry.source
    return iri_to_uri(safe_text(address)) if address.startswith(("https://", "http://")) else ""


def _naive(at: datetime) -> datetime:
    """A time in UTC, in whole seconds and without its zone: Django writes such with a Z."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _time(at: datetime) -> str:
    # Not strftime: it writes the year 999 with three digits, which RFC 3339 doesn't know.
    return _naive(at).isoformat() + "Z"
