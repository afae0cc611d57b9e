"""Which papers an answer has, and what is known of each. All is read with a fixed number of queries.

Pages have numbers, so rows are skipped with OFFSET. What can be skipped is bounded: the papers of one day, week or
month, the last 31 editions, or what is trending at all; of the last two at most 10,000 entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from papers.api.huggingface.parameters import DailyRequest
from papers.dates import ONE_DAY, ONE_WEEK, next_month
from papers.models import Edition, Listing, Paper, Tag, TaggedPaper
from papers.models.listing import ListingQuerySet
from papers.services.lists.span_trending import kept_by_trending, listed_by_trending
from papers.services.topics.labels import MAX_ON_PAGE, topic_names

RECENT_EDITIONS = 31
"""How many editions a list without a day goes back."""
MAX_REACH = 10_000
"""Behind this entry a list without a span has no page. A span ends by itself."""
MAX_KEYWORDS = 20
_UNUSED = ("title_raw", "abstract_raw", "search_vector", "author_keys")


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """A paper, the edition that lists it, and what it is filed under here."""

    paper: Paper
    day: date | None
    """Of the listing that is meant: the one on the list asked for, else the first. None: it is on no edition."""
    submitter: str
    """Who submitted it, here or at the source of the listing; empty where nobody did."""
    keywords: tuple[str, ...]
    """Topics for all and shared tags."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list."""

    papers: Sequence[ListedPaper]
    has_more: bool


def read_daily(asked: DailyRequest, *, today: date, trending_floor: float) -> ListPage:
    """A page of the listed papers. Without a span: the newest editions, the last day first.

    By date, the day's order: pinned, the votes here, the sources' votes, the announcement's order. By week and month,
    most voted first. Three queries, without a span four, by trending five.
    """
    if asked.is_trending:
        return _trending(asked, today=today, floor=trending_floor)
    if asked.first is None:
        return _recent(asked, today=today)
    if asked.span == "week":
        listings = Listing.objects.best_of_week(asked.first)
    elif asked.span == "month":
        listings = Listing.objects.best_of_month(asked.first)
    else:
        listings = Listing.objects.best_of_day(asked.first)
    return _page(_submitted(listings, asked.submitter), asked.start, asked.limit)


def read_papers(papers: Iterable[Paper]) -> list[ListedPaper]:
    """What is known of these papers, in their order. Three queries."""
    papers = list(papers)
    ids = [paper.pk for paper in papers]
    first = (
        _with_names(Listing.objects.visible().filter(paper__in=ids)).order_by("paper_id", "day").distinct("paper_id")
    )
    return _joined([(paper, None) for paper in papers], {listing.paper_id: listing for listing in first})


def read_ids(ids: Sequence[int]) -> list[ListedPaper]:
    """The visible papers with these keys, in their order. Four queries."""
    known = _without_unused(Paper.objects.visible()).in_bulk(ids)
    return read_papers(known[pk] for pk in ids if pk in known)


def _recent(asked: DailyRequest, *, today: date) -> ListPage:
    """Where a page begins is told by the editions' own counts, so that only the days on it are sorted."""
    newest = Edition.objects.newest(today).values_list("day", "listed_count")[:RECENT_EDITIONS]
    editions = list(newest)
    start = asked.start
    if not editions or start > MAX_REACH:
        return ListPage((), has_more=False)
    if asked.submitter:
        days = [day for day, _ in editions]
    else:
        days, start = _days_on_page(editions, start, asked.limit)
    order = ("-day", "-is_pinned", "place", "-vote_count", "-source_votes", "position", "pk")
    listings = _submitted(Listing.objects.visible().filter(day__in=days), asked.submitter).order_by(*order)
    return _page(listings, start, asked.limit)


def _days_on_page(editions: Sequence[tuple[date, int]], start: int, limit: int) -> tuple[list[date], int]:
    """The days that a page has entries of, and how many entries of the first of them stand before the page."""
    days: list[date] = []
    room = 0
    for day, count in editions:
        if not days and start >= count:
            start -= count
            continue
        days.append(day)
        room += count
        if room > start + limit:
            break
    return days, start


def _trending(asked: DailyRequest, *, today: date, floor: float) -> ListPage:
    """Papers by trending score: of a span, those without a score last; without one, down to the score's floor, and
    while nothing is trending the newest editions, as the page has it."""
    if asked.first is not None:
        return _trending_of_span(asked, asked.first)
    if asked.start > MAX_REACH:
        return ListPage((), has_more=False)
    found = Paper.objects.visible().trending(min_score=floor)
    if asked.submitter:
        own = _submitted(Listing.objects.filter(hidden_at=None, paper=OuterRef("pk")), asked.submitter)
        found = found.filter(Exists(own))
    ids = list(found.values_list("pk", flat=True)[asked.start : asked.start + asked.limit + 1])
    if not ids and not Paper.objects.visible().trending(min_score=floor).exists():
        return _recent(asked, today=today)
    return ListPage(read_ids(ids[: asked.limit]), has_more=len(ids) > asked.limit)


def _trending_of_span(asked: DailyRequest, first: date) -> ListPage:
    """A day and a submitter's papers are few, and sorted; all of a week or a month is kept sorted for some minutes."""
    end = _end(asked.span, first)
    ids: Sequence[int]
    if asked.submitter:
        listed = _submitted(Listing.objects.filter(hidden_at=None, day__gte=first, day__lt=end), asked.submitter)
        found = Paper.objects.visible().filter(pk__in=listed.values("paper"))
        ids = list(found.order_by(F("trending_score").desc(nulls_last=True), "-pk").values_list("pk", flat=True))
    elif asked.span in ("week", "month"):
        ids = kept_by_trending(first, end)
    else:
        ids = list(listed_by_trending(first, end))
    page = ids[asked.start : asked.start + asked.limit + 1]
    return ListPage(read_ids(page[: asked.limit]), has_more=len(page) > asked.limit)


def _end(span: str, first: date) -> date:
    if span == "month":
        return next_month(first)
    return first + (ONE_WEEK if span == "week" else ONE_DAY)


def _submitted(listings: ListingQuerySet, name: str) -> ListingQuerySet:
    """Those submitted by somebody, here or at the source, whatever the case of the name."""
    return listings.filter(Q(user__username__iexact=name) | Q(submitter__iexact=name)) if name else listings


def _page(listings: QuerySet[Listing], start: int, limit: int) -> ListPage:
    unused = (f"paper__{name}" for name in _UNUSED)
    rows = list(_with_names(listings).select_related("paper").defer(*unused)[start : start + limit + 1])
    shown = rows[:limit]
    return ListPage(_joined([(row.paper, row) for row in shown], {}), has_more=len(rows) > limit)


def _with_names(listings: QuerySet[Listing]) -> QuerySet[Any]:
    return listings.annotate(username=F("user__username"))


def _without_unused(papers: Any) -> Any:
    return papers.defer(*_UNUSED)


def _joined(rows: Sequence[tuple[Paper, Any]], listings: Mapping[int, Any]) -> list[ListedPaper]:
    keywords = _keywords([paper.pk for paper, _ in rows])
    found = []
    for paper, listing in rows:
        listing = listing or listings.get(paper.pk)
        found.append(
            ListedPaper(
                paper=paper,
                day=listing.day if listing else None,
                submitter=(listing.username or listing.submitter) if listing else "",
                keywords=keywords.get(paper.pk, ()),
            )
        )
    return found


def _keywords(ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """By paper, what a stranger may know it to be filed under: topics for all, then shared tags. Two queries."""
    if not ids:
        return {}
    stranger = AnonymousUser()
    found = {
        pk: [topic.name for topic in names]
        for pk, names in topic_names(ids, viewer=stranger, limit=MAX_ON_PAGE).items()
    }
    tagged = TaggedPaper.objects.filter(paper__in=ids, tag__in=Tag.objects.readable_by(stranger))
    for pk, name in tagged.order_by("tag__name", "pk").values_list("paper_id", "tag__name"):
        found.setdefault(pk, []).append(name)
    return {pk: tuple(dict.fromkeys(names))[:MAX_KEYWORDS] for pk, names in found.items()}
