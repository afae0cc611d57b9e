"""What a bar over a list says of all of it: how many papers, in which categories, how many of them a reader has seen.

A list is known by its name: `day:2026-05-12`, `week:2026-05-11` (its Monday), `trending`, `topic:vision`, or
`own-topic:vision` for one of the reader's own. Its papers are read once a minute, up to a bound, and kept in the cache;
nothing is counted in the database. A process remembers what it has read there, for as long as the stamp beside it is
the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from sys import intern
from typing import Any, NamedTuple
from uuid import uuid4

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import QuerySet

from papers.dates import parse_day
from papers.models import Listing, Paper, SeenPaper, Topic, TopicMatch, User
from papers.process_memory import ProcessMemory
from papers.services.lists.trending import trending_floor

MAX_COUNTED = 2_000
"""So many papers of a list are counted: more than a day has, and most weeks."""
_CACHED_SECONDS = 60
_MOST_BYTES_HERE = 8_000_000


@dataclass(frozen=True)
class ListOverview:
    """The papers of a list with their categories, in no order. Many requests share it: nobody changes it."""

    papers: dict[int, tuple[str, ...]]
    is_cut: bool = False
    """There are more than were read."""

    def category_counts(self, *, without: Collection[int] = ()) -> tuple[tuple[str, int], ...]:
        """How many papers have a category, whether first or cross-listed; the most first, then by code."""
        if not without:
            return self._all_counts
        return _counted(codes for key, codes in self.papers.items() if key not in without)

    def count(self, category: str = "", *, without: Collection[int] = ()) -> int:
        """How many papers, or how many of a category."""
        if not category:
            return len(self.papers) - sum(key in self.papers for key in without)
        return sum(key not in without and category in codes for key, codes in self.papers.items())

    @cached_property
    def _all_counts(self) -> tuple[tuple[str, int], ...]:
        return _counted(self.papers.values())


def _counted(papers: Iterable[Collection[str]]) -> tuple[tuple[str, int], ...]:
    counted = Counter(code for codes in papers for code in codes)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


class _Kept(NamedTuple):
    """An overview in the memory of this process; that it is still the newest one, its stamp in the cache says."""

    overview: ListOverview
    size: int | None
    """The number of listings that it was read with, where that was known."""
    stamp: str


_here: ProcessMemory[str, _Kept] = ProcessMemory(_MOST_BYTES_HERE)


def read_overview(name: str, *, viewer: User | AnonymousUser, now: datetime, size: int | None = None) -> ListOverview:
    """The overview of the list of this name; an empty one where there is no such list for `viewer`.

    `size` is the number of listings, where the caller knows it: what was kept from another number is read again. One
    query a minute, else none; for a topic one more.
    """
    key = f"list-overview:{name}:{viewer.pk if name.startswith('own-topic:') else ''}"
    stamp: str | None = cache.get(f"{key}:stamp")
    kept = None if stamp is None else _here.get(key)
    if stamp is not None and (kept is None or kept.stamp != stamp):
        kept = _from_cache(key)
    if kept is not None and (size is None or kept.size in (None, size)):
        return kept.overview
    found = _papers_of(name, viewer=viewer, now=now)
    if found is None:
        return ListOverview({})
    to_paper, column = ("", "pk") if found.model is Paper else ("paper__", "paper_id")
    rows = list(found.values_list(column, f"{to_paper}categories")[: MAX_COUNTED + 1])
    is_cut = len(rows) > MAX_COUNTED
    rows, stamp = rows[:MAX_COUNTED], uuid4().hex
    cache.set_many({key: (stamp, size, is_cut, rows), f"{key}:stamp": stamp}, _CACHED_SECONDS)
    return _remember(key, rows, is_cut=is_cut, size=size, stamp=stamp).overview


def _from_cache(key: str) -> _Kept | None:
    stored: tuple[str, int | None, bool, list[tuple[int, list[str]]]] | None = cache.get(key)
    if stored is None:
        return None
    stamp, size, is_cut, rows = stored
    return _remember(key, rows, is_cut=is_cut, size=size, stamp=stamp)


def _remember(key: str, rows: list[tuple[int, list[str]]], *, is_cut: bool, size: int | None, stamp: str) -> _Kept:
    """The overview of these rows, in the memory of this process from now on."""
    papers = {paper_id: tuple(map(intern, codes)) for paper_id, codes in rows}
    kept = _Kept(ListOverview(papers, is_cut=is_cut), size, stamp)
    _here.put(key, kept, 1_000 + 300 * len(rows))
    return kept


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
