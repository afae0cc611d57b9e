"""Any RSS or Atom feed: journals, blogs, another Broadsheet. The only importer of feedparser, which is given bytes."""

from __future__ import annotations

import calendar
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import struct_time
from typing import Any
from urllib.parse import quote, urlsplit

import feedparser

from papers.catalogue.identifiers import is_preprint_doi
from papers.catalogue.paper_pages import Name, only_paper, paper_at, paper_of_doi
from papers.outbound.errors import SourceError
from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.arxiv import WAIT_SECONDS, parse_datetime
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    FetchOutcome,
    RawAuthor,
    RawPaper,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
    UnreadableRecord,
)
from papers.sources.feed_bounds import readable
from papers.sources.html_words import html_text
from papers.sources.isolated import read_isolated
from papers.sources.journal_entries import Facts, journal_of_channel, read_day, source_of, without_frame
from papers.sources.record_markup import marks_as_text, plain_line
from papers.sources.webpage import format_journal_ref
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS, BrokenXmlError, parse_xml
from papers.text.names import is_one_person
from papers.text.xml import Element

MAX_BYTES = 10_000_000
DEADLINE_SECONDS = 60.0
RECORDS = RecordSource("feed", rank=40, words_of="a feed", only_claims=True, lists_when_stored=True)

_NO_TITLE = "The entry has no title."
_MAX_FRESH = timedelta(days=1)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_URI = re.compile(r"[a-z][a-z0-9+.-]{1,20}:\S+", re.IGNORECASE)
_OF_CHANNEL = ("title", "prism_publicationname")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a feed holds, and how long it says that it stays the same."""

    papers: tuple[RawPaper, ...]
    rejected: tuple[UnreadableRecord, ...]
    ttl_seconds: int = 0
    skip_hours: frozenset[int] = frozenset()
    """Hours of the day, 0 to 23, in UTC."""
    skip_days: frozenset[int] = frozenset()
    """Monday is 0."""


def parse_feed_entries(data: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """Read a feed of any RSS or Atom version. `url` is where it came from; the content type tells its encoding.

    Raises:
        SourceError: it is no feed.
    """
    feed = _parsed(data, url=url, content_type=content_type)
    if not feed.get("version"):
        raise SourceError(f"{url} is neither RSS nor Atom. Give the source the address of the feed itself.")
    host = urlsplit(url).hostname or "feed"
    papers: list[RawPaper] = []
    rejected: list[UnreadableRecord] = []
    channel = {name: value for name in _OF_CHANNEL if isinstance(value := feed.feed.get(name), str)}
    for entry in feed.entries:
        try:
            paper, error = _read_entry(entry, host, channel), _NO_TITLE
        except (TypeError, AttributeError, ValueError) as odd:  # feedparser makes of strange elements what it likes
            paper, error = None, f"The entry can’t be read: {type(odd).__name__}."
        if paper is not None:
            papers.append(paper)
        else:
            name = str(entry.get("id") or entry.get("link") or "")
            payload = json.dumps(entry, default=str, ensure_ascii=False)[:MAX_PAYLOAD_CHARACTERS]
            rejected.append(UnreadableRecord(name, payload, error))
    ttl = str(feed.feed.get("ttl", "")).strip()
    skip_hours, skip_days = _skips(data)
    return ParsedFeed(
        tuple(papers), tuple(rejected), int(ttl[:6]) * 60 if ttl.isdecimal() else 0, skip_hours, skip_days
    )


def _parsed(data: bytes, *, url: str, content_type: str) -> Any:
    """What feedparser makes of a feed.

    It is not to clean HTML nor to look for addresses in it: both take it time with the square of a text's length, and
    only words are taken out of it here.

    Raises:
        SourceError: it takes too much to read, or it can't be.
    """
    try:
        data, content_type = readable(data, content_type=content_type)
        headers = {"content-type": content_type, "content-location": url} if content_type else {"content-location": url}
        # As a stream, because feedparser takes bare bytes for the name of a file to open.
        return feedparser.parse(
            BytesIO(data), response_headers=headers, resolve_relative_uris=False, sanitize_html=False
        )
    except (AssertionError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{url} can’t be read as a feed. Look what is at the address.") from error


class WebFeed(SourceAdapter):
    """Asks for a feed only where it has changed, and not before it says that it may have."""

    kind = "feed"
    label = "RSS or Atom feed"
    default_name = "Feed"
    records = (RECORDS,)
    understands_since = False
    has_daily_list = True
    disable_after = timedelta(days=14)
    redirects_before_move = 3

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        return {} if settings.base_url else {"base_url": "Give the address of the feed."}

    def next_fetch(self, outcome: FetchOutcome) -> datetime:
        """After the interval, and not before the feed has said that it may have changed."""
        regular = super().next_fetch(outcome)
        not_before = parse_datetime(outcome.cursor.get("not_before"))
        return max(regular, not_before) if not_before else regular

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        """The paper in one entry as feedparser had read it."""
        try:
            paper = _read_entry(rejected.as_json(), urlsplit(rejected.site).hostname or "feed", {})
        except (TypeError, AttributeError) as error:  # not what feedparser makes of one
            raise SourceError("It is not an entry of a feed.") from error
        if paper is None:
            raise SourceError(_NO_TITLE)
        return paper

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where the source has no address, or no feed is there."""
        if not context.base_url:
            raise SourceError("The source has no address; give it the address of the feed.")
        response = context.send(
            FetchRequest(
                url=context.base_url,
                group=host_group_of(context.base_url),
                etag=context.etag,
                last_modified=context.last_modified,
                max_bytes=MAX_BYTES,
                deadline_seconds=DEADLINE_SECONDS,
                wait_seconds=WAIT_SECONDS,
            )
        )
        entries = ParsedFeed((), ())
        if not response.is_not_modified:
            entries = read_isolated(
                parse_feed_entries, response.body, url=response.url, content_type=response.content_type
            )
        count = len(entries.papers) + len(entries.rejected)
        yield FetchBatch(
            papers=entries.papers,
            rejected=entries.rejected,
            cursor=_cursor(context, response, entries),
            etag=response.etag,
            last_modified=response.last_modified,
            done=count,
            total=count,
            label="the feed",
            list_day=None if response.is_not_modified else context.now.astimezone(UTC).date(),
        )


adapter = WebFeed()


def _cursor(context: FetchContext, response: FetchResponse, entries: ParsedFeed) -> dict[str, Any]:
    """Where the feed has moved to and how often it said so; before when there is no sense in asking again."""
    cursor: dict[str, Any] = {}
    if response.moved_to and response.moved_to != context.base_url:
        times = context.cursor.get("moved_times", 0) if context.cursor.get("moved_to") == response.moved_to else 0
        cursor = {"moved_to": response.moved_to, "moved_times": times + 1}
    fresh = max(timedelta(seconds=entries.ttl_seconds), _max_age(response))
    not_before = context.now.astimezone(UTC) + min(fresh, _MAX_FRESH)
    for _ in range(7 * 24):
        if not_before.hour not in entries.skip_hours and not_before.weekday() not in entries.skip_days:
            break
        not_before = not_before.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return {**cursor, "not_before": not_before.isoformat()}


def _max_age(response: FetchResponse) -> timedelta:
    found = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return timedelta(seconds=int(found[1])) if found else timedelta()


def _skips(data: bytes) -> tuple[frozenset[int], frozenset[int]]:
    """skipHours and skipDays of RSS, of which feedparser keeps the last only."""
    if b"<skip" not in data:
        return frozenset(), frozenset()
    try:
        channel: Element | None = parse_xml(data).find("{*}channel")
    except BrokenXmlError:
        return frozenset(), frozenset()
    if channel is None:
        return frozenset(), frozenset()
    hours = ((hour.text or "").strip() for hour in channel.iterfind("{*}skipHours/{*}hour"))
    days = ((day.text or "").strip().lower() for day in channel.iterfind("{*}skipDays/{*}day"))
    return (
        frozenset(int(hour) % 24 for hour in hours if hour.isdecimal()),
        frozenset(_WEEKDAYS.index(day) for day in days if day in _WEEKDAYS),
    )


def _read_entry(entry: Any, host: str, channel: Mapping[str, str]) -> RawPaper | None:
    """The paper in an entry; None where it has no title. `channel` is what the feed says of itself."""
    title = _title(entry)
    if not title:
        return None
    link = str(entry.get("link", "")).strip()
    guid = str(entry.get("id", "")).strip()
    names = dict.fromkeys(str(author.get("name") or "").strip() for author in entry.get("authors", []))
    authors = [name for name in names if name]
    paper = _paper(entry, guid, host)
    journal = _one(entry, "prism_publicationname") or channel.get("prism_publicationname", "")
    titles = (title, journal, journal_of_channel(channel.get("title", "")))
    abstract, facts = without_frame(_texts(entry), names=authors, titles=titles)
    moment = _moment(entry.get("published_parsed") or entry.get("updated_parsed"))
    published = moment or read_day(_one(entry, "prism_publicationdate", "dc_date")) or facts.published
    authors = authors or [facts.authors] * bool(facts.authors)
    return RawPaper(
        source=RECORDS.name,
        title=title,
        # Without its version: the words of a feed about version 2 are not those of version 2.
        arxiv_id=paper[1] if paper and paper[0] == "arxiv" else None,
        doi=paper[1] if paper and paper[0] == "doi" else None,
        identifiers=_names(guid, link, host, title, moment),
        abstract=abstract,
        authors=tuple(map(RawAuthor, authors)) if len(authors) > 1 or _is_one_name(authors) else None,
        authors_text=authors[0] if len(authors) == 1 else None,
        published_at=published,
        journal_ref=_journal_ref(entry, facts, journal, channel, paper, published) or None,
        url=link or (guid if guid.startswith("http") else None),
    )


def _title(entry: Any) -> str:
    title = _text(entry.get("title_detail") or {"value": entry.get("title", "")})
    return plain_line(title).removeprefix("[ASAP] ")  # of ACS


def _journal_ref(
    entry: Any, facts: Facts, journal: str, channel: Mapping[str, str], paper: Name | None, published: datetime | None
) -> str:
    """Where a journal's feed says that the entry appeared; empty for all that is no journal's.

    The feed's own title is a journal's where an entry has a DOI, or a volume.
    """
    volume = _one(entry, "prism_volume", "volume") or facts.volume
    journal = journal or facts.journal
    is_doi = paper is not None and paper[0] == "doi" and not is_preprint_doi(paper[1])
    if not journal and (is_doi or volume or _one(entry, "dc_identifier").startswith("pmid:")):
        journal = source_of(_one(entry, "dc_source"))
        if any(map(str.isdigit, journal)):
            return journal  # with its volume and page, as of APS
        journal = journal or journal_of_channel(channel.get("title", ""))
    first = _one(entry, "prism_startingpage", "startpage", "prism_articlenumber")
    last = _one(entry, "prism_endingpage", "endpage")
    return format_journal_ref(
        plain_line(journal),
        volume=volume,
        issue=_one(entry, "prism_number", "prism_issueidentifier", "issue") or facts.issue,
        pages=f"{first}-{last}" if first and last and first != last else first or facts.pages,
        year=facts.year or (str(published.year) if published else ""),
    )


def _one(entry: Any, *names: str) -> str:
    """The first of some elements that has words in it, on one line."""
    words = (" ".join(value.split()) for name in names if isinstance(value := entry.get(name), str))
    return next(filter(None, words), "")


def _names(guid: str, link: str, host: str, title: str, moment: datetime | None) -> tuple[tuple[str, str], ...]:
    """What the entry is known by: its guid, which may be any word, else its address, else what it says."""
    if guid and guid != link:
        first = guid if _URI.fullmatch(guid) else f"guid:{host}/{quote(guid)}"
    elif link:
        first = link
    else:
        first = f"guid:{host}/{hashlib.sha256(f'{title} {moment}'.encode()).hexdigest()[:32]}"
    return tuple(dict.fromkeys((("url", first), ("url", link)))) if link else (("url", first),)


def _paper(entry: Any, guid: str, host: str) -> Name | None:
    """The paper that the entry says it is: by its guid, its own address, or the DOI among its metadata.

    Links of any other kind (related, via, enclosure) and all that is written in the entry only speak of a paper. An
    entry whose names are of two papers is neither.
    """
    links = entry.get("links") or [{"href": entry.get("link", "")}]
    own = [str(link.get("href", "")) for link in links if link.get("rel", "alternate") == "alternate"]
    said = [str(entry.get(name, "")) for name in ("prism_doi", "dc_identifier")]
    # A bare DOI as an Atom id is read as an address beside the feed's own.
    said.append(guid.removeprefix(f"https://{host}/").removeprefix(f"http://{host}/"))
    return only_paper(filter(None, (paper_at(guid), *map(paper_at, own), *map(paper_of_doi, said))))


def _is_one_name(authors: list[str]) -> bool:
    """Whether the only author given is one person, also as "Holm, Chiara", and not a list of them."""
    return len(authors) == 1 and is_one_person(authors[0])


def _texts(entry: Any) -> list[str]:
    """The content and the summary, as text."""
    details = [*entry.get("content", []), entry.get("summary_detail")]
    return [_text(detail) for detail in details if detail]


def _text(detail: Any) -> str:
    """The plain text of a value that feedparser gives with its type."""
    value = str(detail.get("value", ""))
    if "html" not in str(detail.get("type", "")):
        return value
    return html_text(marks_as_text(value), base=str(detail.get("base") or ""))


def _moment(parsed: struct_time | None) -> datetime | None:
    """feedparser's times are in UTC; None where it could not read one, or it lies outside of what a date can be."""
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
