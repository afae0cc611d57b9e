"""What arXiv announced today, by its RSS or Atom feeds: the only list that says how many papers there must be.

One question an archive, because an answer holds at most 2,000 items. An answer never says that it is old: the feed is
dated on the day it is asked for, whatever is in it. So a batch that holds the very items of an earlier day is stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.answer_shape import AnswerShape
from papers.sources.arxiv import (
    HOST_GROUP,
    WAIT_SECONDS,
    categories_by_archive,
    is_whole_archive,
    parse_date,
)
from papers.sources.arxiv_announcement_feed import (
    RECORDS,
    AnnouncementFeed,
    AnnouncementItem,
    parse_feed,
    parse_rejected_item,
)
from papers.sources.arxiv_schedule import (
    AFTER_MIDNIGHT,
    ANNOUNCEMENT_TIME,
    EASTERN,
    eastern_day,
    has_feed,
    jitter,
    last_feed_day,
    next_feed,
)
from papers.sources.base import (
    AnnouncedIds,
    FetchBatch,
    FetchContext,
    FetchOutcome,
    RawPaper,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
)
from papers.sources.isolated import read_large_isolated
from papers.sources.partial import PartFailures

MAX_ITEMS = 2000
"""What an answer holds at most; one that holds as many may lack some."""
CHUNK_ITEMS = 250
MAX_BYTES = 40_000_000
_ONE_DAY = timedelta(days=1)
REREAD_AFTER = timedelta(hours=4)
"""Once the day's announcements are there, they are read a few times more: for items that came late."""
ANSWER = AnswerShape(
    needed=frozenset({
        "feed/updated", "feed/entry/id", "feed/entry/title", "feed/entry/summary", "feed/entry/creator",
        "feed/entry/category@term", "feed/entry/announce_type", "feed/entry/link@href",
    }),
    known=frozenset({
        "feed", "feed@lang", "feed/id", "feed/title", "feed/subtitle", "feed/link", "feed/link@href", "feed/link@rel",
        "feed/link@type", "feed/entry", "feed/entry/link", "feed/entry/link@rel", "feed/entry/link@type",
        "feed/entry/category", "feed/entry/published", "feed/entry/updated", "feed/entry/rights", "feed/entry/DOI",
        "feed/entry/journal_reference",
    }),
)  # fmt: skip
"""Of the Atom feeds, which are asked for: https://info.arxiv.org/help/rss_specifications.html."""

_POSITIONS = 100_000
_RANKS = {"new": 3, "cross": 2}


class ArxivRss(SourceAdapter):
    """Asks for the feeds of the chosen categories, one after the other."""

    kind = "arxiv_rss"
    label = "arXiv announcements (RSS)"
    default_name = "arXiv announcements"
    records = (RECORDS,)
    host_group = HOST_GROUP
    base_url_setting = "ARXIV_RSS_URL"
    fetch_priority = 1
    default_lists = "all"
    understands_since = False
    announces = True
    fills_gaps = True

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        return {} if settings.categories else {"categories": "Say which categories to ask for."}

    def next_fetch(self, outcome: FetchOutcome) -> datetime:
        """Every hour until the day's batch has come, then less often; soon after the feeds have turned to a new day."""
        now, regular = outcome.now, super().next_fetch(outcome)
        next_day = next_feed(now) + AFTER_MIDNIGHT + jitter()
        is_quiet = not has_feed(eastern_day(now)) and not outcome.is_stale
        if is_quiet:
            return next_day
        return min(max(regular, now + REREAD_AFTER) if outcome.has_todays_announcements else regular, next_day)

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        return parse_rejected_item(rejected)

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where no category is chosen, or a feed could not be read whole."""
        return _FeedRound(context).run()


adapter = ArxivRss()


@dataclass(slots=True)
class _Query:
    """One question: the categories of one archive, and what its answers announced so far."""

    name: str
    codes: tuple[str, ...]
    position: int
    """Of the last item on the day; each question has a range of its own, so that it stays the same when asked again."""
    announced: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _FeedRound:
    """One fetch: a feed for each archive, or for each category where together they are too many."""

    def __init__(self, context: FetchContext) -> None:
        self._context = context
        self._queries = _queries(context.categories)
        self._known: dict[str, Any] = dict(context.cursor.get("feeds", {}))
        self._sent: dict[str, int] = {}  # guid to the rank of the kind it was stored with
        self._empty: list[tuple[str, date]] = []
        self._days_with_items: set[date] = set()
        self._problems: list[str] = []
        self._failures = PartFailures()
        self._unread: dict[str, str] = {}
        """Why the day's list of a question was not read."""

    def run(self) -> Iterator[FetchBatch]:
        if not self._queries:
            raise SourceError("No arXiv category is chosen, so there is nothing to ask for; name some in the source.")
        for place, query in enumerate(self._queries):
            try:
                yield from self._visit(query)
            except SourceError as error:
                self._unread[query.name] = f"arXiv's feed of {query.name} could not be read."
                try:
                    self._failures.note(f"arXiv's feed of {query.name} could not be read", error)
                except SourceError:
                    for left in self._queries[place + 1 :]:
                        self._unread[left.name] = f"arXiv's feed of {left.name} could not be read."
                    yield from self._tell_unread()
                    raise
        yield from self._tell_unread()
        self._failures.raise_if_any()
        if self._problems:
            raise SourceError(" ".join(self._problems))

    def _visit(self, query: _Query) -> Iterator[FetchBatch]:
        feed = self._ask(query.name)
        if len(query.codes) > 1 and (feed is None or _is_capped(feed)):
            yield from self._ask_one_by_one(query, feed)
        elif feed is None:
            self._problems.append(f"arXiv has no feed of {query.name}; take it out of the source's categories.")
        else:
            yield from self._take(query, query.name, feed)

    def _ask_one_by_one(self, query: _Query, whole: AnnouncementFeed | None) -> Iterator[FetchBatch]:
        """Ask for each category of an archive alone, where together they are too many or one of them is unknown."""
        if whole is not None:
            if not self._is_news(query.name, whole):
                yield self._nothing_new(query, query.name, whole)
                return
            # What it names is known at once, should this fetch be cut short.
            note = f"arXiv's feed of {query.name} reached its cap of {MAX_ITEMS:,} items."
            yield FetchBatch(
                announced=(AnnouncedIds(whole.day, query.name, whole.announced, is_whole=False, note=note),)
            )
            query.announced |= whole.announced
        day = whole.day if whole else None
        for code in query.codes:
            try:
                feed = self._ask(code)
            except SourceError as error:
                query.notes.append(f"arXiv's feed of {code} could not be read.")
                self._failures.note(f"arXiv's feed of {code} could not be read", error)
                continue
            if feed is None:
                query.notes.append(f"arXiv has no feed of {code}.")
                self._problems.append(f"arXiv has no feed of {code}; take it out of the source's categories.")
                continue
            day = day or feed.day
            yield from self._take(query, code, feed)
        if whole is not None:
            self._remember(query.name, whole)
        if day is not None:
            yield FetchBatch(announced=(self._announced(query, day),), cursor=self._cursor())

    def _ask(self, name: str) -> AnnouncementFeed | None:
        """The answer to one question; None where arXiv knows no such category."""
        request = FetchRequest(
            url=f"{self._context.base_url.rstrip('/')}/{name}",
            group=HOST_GROUP,
            max_bytes=MAX_BYTES,
            wait_seconds=WAIT_SECONDS,
        )
        try:
            return read_large_isolated(parse_feed, self._context.send(request).body, now=self._context.now)
        except HttpStatusError as error:
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                return None
            raise

    def _take(self, query: _Query, name: str, feed: AnnouncementFeed) -> Iterator[FetchBatch]:
        """The batches of one answer. What it announces comes with the first, so that a gap shows even after a kill."""
        if self._is_older(name, feed):
            yield self._nothing_new(query, name, feed, is_stale=True)
            return
        feed = self._dated(name, feed)
        is_news, was_read = self._is_news(name, feed), self._known_day(name) == feed.day
        if not feed.items and not was_read:
            self._empty.append((query.name, feed.day))
        if not feed.items or not (is_news or was_read):
            yield self._nothing_new(query, name, feed)
            return
        self._days_with_items.add(feed.day)
        query.announced |= {id_: kind for id_, kind in feed.announced.items() if query.announced.get(id_) != "new"}
        self._note(query, name, feed)
        chunks = self._chunks(query, feed) if is_news else [()]
        # Half a feed takes nothing away from what a whole one of the same day has said.
        tells = name == query.name and not (feed.is_cut and was_read)
        if not feed.is_cut:
            self._remember(name, feed)
        for number, items in enumerate(chunks, start=1):
            is_last = number == len(chunks)
            yield self._batch(
                query,
                papers=tuple(item.record for item in items if item.record),
                rejected=tuple(item.rejected for item in items if item.rejected),
                announced=(self._announced(query, feed.day),) if number == 1 and tells else (),
                cursor=self._cursor() if is_last else None,
                done=len(feed.items) if is_last else number * CHUNK_ITEMS,
                total=len(feed.items),
                is_stale=self._is_behind(feed),
            )

    def _dated(self, name: str, feed: AnnouncementFeed) -> AnnouncementFeed:
        """The feed under the day that it belongs to.

        Its date is that of the day it is asked for. Should the next batch be in it before midnight, as soon as it is
        announced, then it belongs to the next day: it holds nothing of what this day's feed held. What a feed holds at
        other times of a weekend is still that of Friday.
        """
        now = self._context.now.astimezone(EASTERN)
        if not feed.items or feed.day != now.date():
            return feed
        known = set(self._known.get(name, {}).get("some", ()))
        is_evening = now.time() >= ANNOUNCEMENT_TIME and has_feed(feed.day + _ONE_DAY)
        is_next = is_evening and (self._known_day(name) == feed.day or not has_feed(feed.day))
        if is_next and not known & {item.guid for item in feed.items}:
            return feed.on(eastern_day(next_feed(now)))
        is_left_over = not has_feed(feed.day) and self._is_news(name, feed)
        return feed.on(last_feed_day(feed.day)) if is_left_over else feed

    def _is_older(self, name: str, feed: AnnouncementFeed) -> bool:
        """Whether the feed holds a batch from before the last one: ids are given out as papers are announced."""
        if not has_feed(feed.day):
            return False  # feeds are empty at weekends, until the next batch comes
        known = self._known.get(name, {})
        newest, some = str(known.get("newest", "")), set(known.get("some", ()))
        return bool(feed.newest_id) and feed.newest_id < newest and not some & {item.guid for item in feed.items}

    def _nothing_new(self, query: _Query, name: str, feed: AnnouncementFeed, *, is_stale: bool = False) -> FetchBatch:
        """Nothing at all; or what an earlier day held, which on days without announcements is how it should be."""
        is_old = bool(feed.items) and has_feed(feed.day) and self._known_day(name) != feed.day
        is_stale = is_stale or is_old or (bool(feed.items) and self._is_behind(feed))
        if is_stale:
            self._unread[query.name] = f"arXiv's feed of {query.name} held an older batch."
        return self._batch(query, done=len(feed.items), total=len(feed.items), is_stale=is_stale)

    def _is_news(self, name: str, feed: AnnouncementFeed) -> bool:
        return bool(self._known.get(name, {}).get("items") != feed.fingerprint)

    def _known_day(self, name: str) -> date | None:
        return parse_date(self._known.get(name, {}).get("day"))

    def _is_behind(self, feed: AnnouncementFeed) -> bool:
        """Whether the feed is dated on an earlier day than it should be by now: a copy that a cache kept too long."""
        today = eastern_day(self._context.now)
        while not has_feed(today):
            today -= timedelta(days=1)
        return feed.day < today

    def _chunks(self, query: _Query, feed: AnnouncementFeed) -> list[tuple[AnnouncementItem, ...]]:
        """The items that this fetch did not store yet, or only as something lesser, with their place on the day."""
        fresh: list[AnnouncementItem] = []
        for item in feed.items:
            query.position += 1
            rank = _RANKS.get(item.kind, 1)
            if rank > self._sent.get(item.guid, 0) or not item.guid:
                self._sent[item.guid] = rank
                fresh.append(item.at(query.position))
        return [tuple(fresh[at : at + CHUNK_ITEMS]) for at in range(0, len(fresh), CHUNK_ITEMS)] or [()]

    def _note(self, query: _Query, name: str, feed: AnnouncementFeed) -> None:
        if feed.is_cut:
            query.notes.append(f"arXiv's feed of {name} ended in the middle.")
            self._problems.append(f"arXiv's feed of {name} ended in the middle; it is asked again within the hour.")
        if feed.misdated:
            query.notes.append(f"arXiv's feed of {name} is dated {feed.misdated}, and was read as today's.")
        if _is_capped(feed):
            query.notes.append(f"arXiv's feed of {name} reached its cap of {MAX_ITEMS:,} items.")
        if any(item.arxiv_id is None for item in feed.items):
            query.notes.append(f"arXiv's feed of {name} has an item without an id.")

    def _tell_unread(self) -> Iterator[FetchBatch]:
        """Report today's feeds that could not be read while others were: the day's count is unknown for their part."""
        today = eastern_day(self._context.now)
        odd = self._odd_silences()
        unread = tuple(
            AnnouncedIds(today, name, {}, is_whole=False, note=note)
            for name, note in self._unread.items()
            if self._known_day(name) != today and any(self._known_day(query.name) == today for query in self._queries)
        )
        if odd or unread:
            yield FetchBatch(announced=odd, unread_lists=unread)

    def _odd_silences(self) -> tuple[AnnouncedIds, ...]:
        """Feeds that were empty on a day when others were not, perhaps rightly; so their count is unknown."""
        return tuple(
            AnnouncedIds(day, name, {}, is_whole=False, note=f"arXiv's feed of {name} was empty.")
            for name, day in self._empty
            if day in self._days_with_items and has_feed(day)
        )

    def _announced(self, query: _Query, day: date) -> AnnouncedIds:
        return AnnouncedIds(
            day, query.name, dict(query.announced), is_whole=not query.notes, note=" ".join(query.notes)
        )

    def _remember(self, name: str, feed: AnnouncementFeed) -> None:
        some = [item.guid for item in feed.items[:: max(len(feed.items) // 5, 1)] if item.guid]
        self._known[name] = {"day": feed.day.isoformat(), "items": feed.fingerprint, "some": some}
        if feed.newest_id:
            self._known[name]["newest"] = feed.newest_id

    def _cursor(self) -> dict[str, Any]:
        asked = {name for query in self._queries for name in (query.name, *query.codes)}
        return {**self._context.cursor, "feeds": {name: known for name, known in self._known.items() if name in asked}}

    def _batch(self, query: _Query, **fields: Any) -> FetchBatch:
        return FetchBatch(label=query.name, **fields)


def _is_capped(feed: AnnouncementFeed) -> bool:
    return len(feed.items) >= MAX_ITEMS


def _queries(categories: Iterable[str]) -> list[_Query]:
    return [
        _Query(archive if is_whole_archive(archive, codes) else "+".join(codes), codes, number * _POSITIONS)
        for number, (archive, codes) in enumerate(categories_by_archive(categories).items())
    ]
