"""What a bar over a list says of all of it: how many papers, in which categories, how many of them a reader has seen.

A list is known by its name: `day:2026-05-12`, `week:2026-05-11` (its Monday), `trending`, `topic:vision`, or
`own-topic:vision` for one of the reader's own. Its papers are read once a minute, up to a bound, and kept in the cache;
nothing is counted in the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import QuerySet

from papers.dates import parse_day
from papers.models import Listing, Paper, SeenPaper, Topic, TopicMatch, User
from papers.services.lists.trending import trending_floor

MAX_COUNTED = 2_000
"""So many papers of a list are counted: more than a day has, and most weeks."""
_CACHED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ListOverview:
    """The papers of a list with their categories, in no order."""

    papers: dict[int, tuple[str, ...]]
    is_cut: bool = False
    """There are more than were read."""

    def category_counts(self, *, without: Collection[int] = ()) -> list[tuple[str, int]]:
        """How many papers have a category, whether first or cross-listed; the most first, then by code."""
        counted = Counter(code for key, codes in self.papers.items() if key not in without for code in codes)
        return sorted(counted.items(), key=lambda item: (-item[1], item[0]))

    def count(self, category: str = "", *, without: Collection[int] = ()) -> int:
        """How many papers, or how many of a category."""
        return sum(key not in without and (not category or category in codes) for key, codes in self.papers.items())


def read_overview(name: str, *, viewer: User | AnonymousUser, now: datetime, size: int | None = None) -> ListOverview:
    """The overview of the list of this name; an empty one where there is no such list for `viewer`.

    `size` is the number of listings, where the caller knows it: what was kept from another number is read again. One
    query a minute, else none; for a topic one more.
    """
    key = f"overview:{name}:{viewer.pk if name.startswith('own-topic:') else ''}"
    kept: tuple[int | None, bool, list[tuple[int, list[str]]]] | None = cache.get(key)
    if kept is not None and (size is None or kept[0] in (None, size)):
        return _overview(kept[2], is_cut=kept[1])
    found = _papers_of(name, viewer=viewer, now=now)
    if found is None:
        return ListOverview({})
    to_paper, column = ("", "pk") if found.model is Paper else ("paper__", "paper_id")
    rows: list[tuple[int, list[str]]] = list(found.values_list(column, f"{to_paper}categories")[: MAX_COUNTED + 1])
    is_cut = len(rows) > MAX_COUNTED
    cache.set(key, (size, is_cut, rows[:MAX_COUNTED]), _CACHED_SECONDS)
    return _overview(rows[:MAX_COUNTED], is_cut=is_cut)


def _overview(rows: list[tuple[int, list[str]]], *, is_cut: bool) -> ListOverview:
    return ListOverview({paper_id: tuple(codes) for paper_id, codes in rows}, is_cut=is_cut)


def count_seen(user: User, overview: ListOverview) -> int:
    """How many of a list's papers the reader has seen. One query, along the primary key of what was seen."""
    return SeenPaper.objects.filter(user=user, paper__in=list(overview.papers)).count()


def _papers_of(name: str, *, viewer: User | AnonymousUser, now: datetime) -> QuerySet[Any] | None:
    kind, _, rest = name.partition(":")
    if kind == "trending":
        return Paper.objects.visible().trending(min_score=trending_floor(now=now))
    if kind in ("topic", "own-topic"):
        topic = Topic.objects.filter(owner=viewer.pk if kind == "own-topic" else None, slug=rest).first()
        return None if topic is None else TopicMatch.objects.newest(topic)
    day = parse_day(rest)
    if day is None or kind not in ("day", "week"):
        return None
    return Listing.objects.visible().filter(**{kind: day})
