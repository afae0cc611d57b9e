"""Reads arXiv's feeds of announcements, RSS 2.0 or Atom. Pure; when they are asked for is in `arxiv_rss`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from papers.catalogue.identifiers import ArxivId, find_arxiv_id, parse_arxiv_id
from papers.sources.arxiv import is_first_announced, parse_datetime
from papers.sources.arxiv_schedule import EASTERN, eastern_day
from papers.sources.base import RawListing, RawPaper, RecordSource, RejectedPayload, SourceError, UnreadableRecord
from papers.sources.xml import BrokenRecord, BrokenXmlError, parse_xml, salvage_xml, serialize
from papers.text.xml import Element, element_text

MAX_AGE = timedelta(days=60)
"""A feed that bears an older date, or one that has not come, is taken for today's."""
LISTED_KINDS = ("new", "cross")
RECORDS = RecordSource("arxiv_rss", rank=60, display_name="arXiv", is_archive=True)

_ONE_DAY = timedelta(days=1)
_DESCRIPTION = re.compile(
    r"\s*arXiv:(\S+)\s+Announce Type:\s*([a-z-]+)\s*(?:Abstract:\s?(.*))?", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class AnnouncementItem:
    """One announced paper. `record` is None where only its id and kind could be read."""

    guid: str
    arxiv_id: ArxivId | None
    kind: str
    """new, cross, replace, replace-cross; empty where the item does not say."""
    record: RawPaper | None
    rejected: UnreadableRecord | None = None

    def at(self, position: int) -> AnnouncementItem:
        """The same, with its place in the order of the day."""
        return self._listed(position=position)

    def on(self, day: date) -> AnnouncementItem:
        """The same, announced on another day."""
        item = self._listed(day=day)
        if item.record is None or item.record.announced_on is None:
            return item
        return replace(item, record=replace(item.record, announced_on=day))

    def _listed(self, **changes: Any) -> AnnouncementItem:
        if self.record is None or self.record.listed_on is None:
            return self
        return replace(self, record=replace(self.record, listed_on=replace(self.record.listed_on, **changes)))


@dataclass(frozen=True, slots=True)
class AnnouncementFeed:
    """One answer. `day` is arXiv's date of the feed; `is_cut` when it ended in the middle."""

    day: date
    items: tuple[AnnouncementItem, ...]
    is_cut: bool = False
    misdated: date | None = None
    """The date that it bears where that can't be: it has not come, or is long over. Then `day` is today's."""

    @property
    def announced(self) -> dict[str, str]:
        """The ids of kind new and cross, with their kind. An item that doesn't say its kind counts, to be safe."""
        ids: dict[str, str] = {}
        for item in self.items:
            if item.arxiv_id and (item.kind or "new") in LISTED_KINDS and ids.get(item.arxiv_id.value) != "new":
                ids[item.arxiv_id.value] = item.kind or "new"
        return ids

    @property
    def newest_id(self) -> str:
        """The last id, in the order in which they are given out, of what is new; empty where there is none of today's
        form, which sorts by month and number."""
        ids = (item.arxiv_id.value for item in self.items if item.arxiv_id and item.kind == "new")
        return max((value for value in ids if value[:4].isdigit() and len(value) == len("2611.00001")), default="")

    def on(self, day: date) -> AnnouncementFeed:
        """The same under another day."""
        return replace(self, day=day, items=tuple(item.on(day) for item in self.items))

    @property
    def fingerprint(self) -> str:
        """The same for the same items, in whatever order; validators change with every build of a feed."""
        lines = sorted(f"{item.guid} {item.kind}" for item in self.items)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def parse_feed(data: bytes, *, now: datetime) -> AnnouncementFeed:
    """Read an answer in RSS 2.0 or Atom. An item that can't be read is kept as rejected, with its id where it has one.

    Raises:
        BrokenXmlError: it is neither, or somebody else's.
    """
    elements: Sequence[Element | BrokenRecord]
    try:
        whole = parse_xml(data)
        root: Element | None = whole
        name, is_cut, elements = _name(whole), False, _items(whole)
    except BrokenXmlError:
        salvaged = salvage_xml(data, "item", "entry")
        if salvaged is None:
            raise
        root, name, is_cut = salvaged.head, salvaged.root_name.rpartition(":")[2], salvaged.is_cut
        elements = salvaged.records
    if name not in ("feed", "rss", "RDF"):
        raise BrokenXmlError("The answer is neither RSS nor Atom; check the source's address.")
    said = _day(root, [element for element in elements if not isinstance(element, BrokenRecord)])
    today = eastern_day(now)
    is_possible = said is None or today - MAX_AGE <= said <= today + _ONE_DAY
    day = said if said is not None and is_possible else today
    items = tuple(_read_any_item(element, day) for element in elements)
    if any(item.record for item in items) and not any(_is_of_arxiv(item) for item in items):
        raise BrokenXmlError(
            "This is not a feed of arXiv's announcements: no entry says how it was announced. Check the source's "
            "address, or add it as a feed."
        )
    return AnnouncementFeed(
        day=day,
        items=items,
        is_cut=is_cut,
        misdated=None if is_possible else said,
    )


def parse_rejected_item(rejected: RejectedPayload) -> RawPaper:
    """The paper in one item; its day is that on which it came, where the item names none.

    Raises:
        SourceError: it can't be read.
    """
    element = parse_xml(rejected.payload.encode())
    item = _read_item(element, _day(element, [element]) or rejected.received_on)
    if item.record is None:
        raise SourceError(item.rejected.error if item.rejected else "There is no item in it.")
    return item.record


def _is_of_arxiv(item: AnnouncementItem) -> bool:
    """Whether an entry is arXiv's own: it says its kind, or is named as arXiv does. Others link to papers, too."""
    return bool(item.kind) or item.guid.lower().startswith("oai:arxiv.org:")


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _items(root: Element) -> list[Element]:
    return list(root.iter("{*}item", "{*}entry"))


def _day(root: Element | None, items: Sequence[Element]) -> date | None:
    """arXiv's date of the feed: of its channel, else of its items, else of its making."""
    texts = [root.findtext("{*}channel/{*}pubDate")] if root is not None else []
    texts += [items[0].findtext(f"{{*}}{name}") for name in ("published", "pubDate") if items]
    if root is not None:
        texts += [root.findtext(path) for path in ("{*}updated", "{*}channel/{*}lastBuildDate")]
    moments = filter(None, map(parse_datetime, texts))
    return next((moment.astimezone(EASTERN).date() for moment in moments), None)


def _read_any_item(element: Element | BrokenRecord, day: date) -> AnnouncementItem:
    """An item; of one that is not well-formed only what it is about, which is asked for by its id."""
    if not isinstance(element, BrokenRecord):
        return _read_item(element, day)
    guess = _read_item(element.guess, day) if element.guess is not None else None
    guid = guess.guid if guess else ""
    rejected = UnreadableRecord(guid, element.payload, "The item is not well-formed XML.")
    return AnnouncementItem(guid, guess.arxiv_id if guess else None, guess.kind if guess else "", None, rejected)


def _read_item(element: Element, day: date) -> AnnouncementItem:
    texts: dict[str, str] = {}
    for child in element.iterchildren("*"):
        texts.setdefault(_name(child).lower(), element_text(child) or child.get("href", ""))
    categories = [(child.get("term") or child.text or "").strip() for child in element.iterfind("{*}category")]
    description = texts.get("summary", texts.get("description", ""))
    said = _DESCRIPTION.match(description)
    guid = (texts.get("guid") or texts.get("id") or "").strip()
    arxiv_id = (
        parse_arxiv_id(guid) or (parse_arxiv_id(said[1]) if said else None) or find_arxiv_id(texts.get("link", ""))
    )
    kind = (texts.get("announce_type") or (said[2] if said else "")).strip().lower()
    guid = guid or str(arxiv_id or "")
    if arxiv_id is None or not texts.get("title", "").strip():
        error = "The item has no arXiv id." if arxiv_id is None else "The item has no title."
        return AnnouncementItem(guid, arxiv_id, kind, None, UnreadableRecord(guid, serialize(element), error))
    abstract = said[3] if said else description
    return AnnouncementItem(
        guid, arxiv_id, kind, _paper(texts, arxiv_id, kind, day, abstract, tuple(filter(None, categories)))
    )


def _paper(
    texts: dict[str, str], arxiv_id: ArxivId, kind: str, day: date, abstract: str | None, categories: tuple[str, ...]
) -> RawPaper:
    is_listed = (kind or "new") in LISTED_KINDS
    return RawPaper(
        source=RECORDS.name,
        title=texts["title"],
        arxiv_id=arxiv_id.value,
        version=arxiv_id.version,
        doi=texts.get("doi"),
        abstract=abstract or None,
        authors_text=texts.get("creator"),
        categories=categories or None,
        announced_on=day if is_listed and is_first_announced(arxiv_id.value, kind, day) else None,
        journal_ref=texts.get("journal_reference"),
        license=texts.get("rights"),
        listed_on=RawListing(day, kind or "new"),
    )
