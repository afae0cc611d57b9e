"""The bar over a list of papers: how much of it is seen and shown, its categories, its orders.

It is the same on whichever part of the list is asked for, and what an act changes in it comes with the act's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser

from papers.models import User
from papers.process_memory import ProcessMemory
from papers.services.lists.overview import ListOverview, count_seen, read_overview

FOR_ME = "for-me"
"""The order by what is recommended to a reader: visitors have none."""
MAX_CHIPS = 6
"""Categories on the bar; the others are behind "more"."""


class SeenCount(NamedTuple):
    """How many papers of a list a reader has seen."""

    seen: int
    total: int
    is_cut: bool
    """There are more papers than were counted."""


class Order(NamedTuple):
    """One of the orders that a list can have, by its name."""

    name: str
    label: str


class Choice(NamedTuple):
    """A link on the bar: an order or a category."""

    label: str
    query: str
    is_on: bool
    papers: int = 0
    """How many a category has."""


@dataclass(frozen=True, slots=True)
class ListBar:
    """What the bar over a list says."""

    name: str
    """The list's, as in papers/services/lists/overview.py."""
    counted: SeenCount
    total: int
    """The papers of the list as it is shown: in the chosen category, and without those seen where they are hidden."""
    orders: Sequence[Choice]
    chips: Sequence[Choice]
    more_chips: Sequence[Choice]
    category: str
    all_query: str
    """The query string of the list without a category."""
    place: int | None
    """The paper that the reader saw last, where the list may go on behind it."""

    @property
    def place_query(self) -> str:
        """The query string of the list from behind that paper on."""
        return "&".join(filter(None, (f"at={self.place}", self.order.query)))

    @property
    def order(self) -> Choice:
        """The order that the list has."""
        return next((order for order in self.orders if order.is_on), self.orders[0])


def make_bar(
    name: str,
    overview: ListOverview,
    *,
    seen: frozenset[int],
    hides_seen: bool,
    orders: Sequence[Order],
    query: Mapping[str, str],
    place: int | None,
) -> ListBar:
    """The bar of the list `name`, for an address with this `query`. No queries."""
    category, sort = query.get("category", ""), query.get("sort", "")
    seen &= overview.papers.keys()
    left_out = seen if hides_seen else frozenset[int]()
    is_known = any(order.name == sort for order in orders)

    counts = overview.category_counts(without=left_out)
    front, more = _chips(counts, tuple(query.items()), category)
    return ListBar(
        name=name,
        counted=SeenCount(len(seen), len(overview.papers), overview.is_cut),
        total=overview.count(category, without=left_out),
        orders=[
            _choice(query, order.label, order.name == sort or (not is_known and number == 0), sort=order.name)
            for number, order in enumerate(orders)
        ],
        chips=front,
        more_chips=more,
        category=category,
        all_query=_choice(query, "", False, category="").query,
        place=place,
    )


_Chips = tuple[tuple[Choice, ...], tuple[Choice, ...]]
_here: ProcessMemory[tuple[object, ...], _Chips] = ProcessMemory(2_000_000)


def _chips(counts: tuple[tuple[str, int], ...], query: tuple[tuple[str, str], ...], category: str) -> _Chips:
    """The categories on the bar, and those behind "more". They are the same for all readers until a paper comes."""
    key = (counts, query, category)
    found = _here.get(key)
    if found is not None:
        return found
    asked = dict(query)
    chips = [
        _choice(asked, code, code == category, count, category="" if code == category else code)
        for code, count in counts
    ]
    front = sorted(
        chips[:MAX_CHIPS] + [chip for chip in chips[MAX_CHIPS:] if chip.is_on], key=lambda chip: -chip.papers
    )
    found = tuple(front), tuple(chip for chip in chips[MAX_CHIPS:] if not chip.is_on)
    _here.put(key, found, sum(300 + 2 * len(chip.query) for chip in chips))
    return found


def _choice(query: Mapping[str, str], label: str, is_on: bool, count: int = 0, **changes: str) -> Choice:
    changed = {key: value for key, value in {**query, **changes}.items() if value}
    return Choice(label, urlencode(changed), is_on, count)


def seen_count(name: str, *, viewer: User | AnonymousUser, now: datetime) -> SeenCount | None:
    """What the bar of a list says after an act; None where there is no such list. Two queries at most."""
    if not name or "\0" in name or not viewer.is_authenticated:
        return None
    overview = read_overview(name[:200], viewer=viewer, now=now)
    if not overview.papers:
        return None
    return SeenCount(count_seen(viewer, overview), len(overview.papers), overview.is_cut)
