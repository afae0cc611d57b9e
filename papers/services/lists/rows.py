"""The rows of a list of papers: what is read of each paper before its card is made. No HTML."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from papers.models import Listing, Paper
from papers.text.counts import counted

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of a list: the paper, and what this list says of it."""

    paper_id: int
    public_id: str
    changed_at: datetime
    vote_count: int
    position: tuple[bool | int | float | datetime, ...]
    """What the list is sorted by, for the next page's cursor."""
    is_pinned: bool = False
    submitted_by: str = ""
    """The reader of this site who submitted it."""
    reasons: tuple[str, ...] = ()
    """Why it was found, on a list of search results."""
    similar_search_url: str = ""
    """The address of a search for papers like it, on such a list."""
    related: tuple[str, str] = ("", "")
    """What is said of the papers of its day that are about the same, and the address that shows them."""


@dataclass(frozen=True, slots=True)
class RecommendationReason:
    """Why a paper is recommended: the liked paper that it resembles most, and what the reader did with that one."""

    paper_id: int
    """The recommended paper."""
    address: str
    """The path of the recommended paper's page."""
    example: Paper | None = None
    """The liked paper; None where it is gone or hidden."""
    did: str = ""
    """What the reader did with the example, as a past participle; empty where that is undone."""
    tag: str = ""
    """The reader's tag on the example, where `did` is tagging."""
    shared: tuple[str, ...] = ()
    """The terms that both papers share."""


@dataclass(frozen=True, slots=True)
class ListPlace:
    """What a shared list says of a paper on it, and what the viewer may do with that."""

    paper_id: int
    slug: str
    """Of the list."""
    note: str
    """Markdown."""
    noted_by: str
    """A username; empty where the account is gone, as the next."""
    noted_at: datetime | None
    added_by: str
    added_at: datetime
    may_edit: bool = False
    is_by_hand: bool = False
    """The list is shown in its own order, in which a paper can be moved."""
    names_all: bool = False
    """The viewer is told who added it, too."""


@dataclass(frozen=True, slots=True)
class CardNote:
    """What one list says of a paper beside its card."""

    update: str = ""
    """A few words, first among the facts."""
    markdown: str = ""
    """The reader's own note."""
    reason: RecommendationReason | None = None
    place: ListPlace | None = None
    """On the page of a shared list."""


def read_list_rows(found: QuerySet[Any], columns: Sequence[str], *, per_page: int = PER_PAGE) -> list[ListRow]:
    """The first rows of a list sorted by `columns`, and one more if there are more. One query.

    A list of papers, or of rows that have one: listings, categories, library items, tags.
    """
    layout = _layout_of(found.model, tuple(columns))  # type: ignore[arg-type]  # classes can be hashed
    return [layout.row(values) for values in found.values_list(*layout.names)[: per_page + 1]]


@dataclass(frozen=True)
class DatedList:
    """A list of listings that a date says, such as a day's or a week's: called with a position, what is behind it."""

    find: Callable[..., QuerySet[Listing]]
    """Of its date and the position, by name: `after`."""
    first: date

    def __call__(self, after: tuple[Any, ...] | None) -> QuerySet[Listing]:
        return self.find(self.first, after=after)

    def read_first_rows(self, columns: Sequence[str], *, per_page: int = PER_PAGE) -> list[ListRow]:
        """As `read_list_rows` of all of it, by a statement that Django has written out once for all dates.

        It takes Django a millisecond to write one, longer than PostgreSQL takes for the rows.
        """
        layout = _layout_of(Listing, tuple(columns))
        statement, parameters = _statement_of(self.find, layout.names, per_page + 1)
        with connection.cursor() as cursor:
            cursor.execute(statement, [self.first if value is _ANY_DATE else value for value in parameters])
            return [layout.row(values) for values in cursor.fetchall()]


_ANY_DATE = date.min
"""Stands for the date in a statement's parameters; told from others by what it is, not by what it says."""


@lru_cache(maxsize=100)
def _statement_of(
    find: Callable[..., QuerySet[Listing]], names: tuple[str, ...], most: int
) -> tuple[str, tuple[Any, ...]]:
    statement, parameters = find(_ANY_DATE, after=None).values_list(*names)[:most].query.sql_with_params()
    if not any(value is _ANY_DATE for value in parameters):
        raise ValueError("The statement of a list by its date does not ask for it.")
    return statement, parameters


class _Layout(NamedTuple):
    """Where in a row of the database the fields of a `ListRow` stand."""

    names: tuple[str, ...]
    """Of the columns, as Django calls them."""
    position: tuple[int, ...]
    """Of those that the list is sorted by, where they stand among them."""
    is_of_listings: bool

    def row(self, values: Sequence[Any]) -> ListRow:
        paper_id, public_id, changed_at, vote_count, *others = values
        position = tuple([values[place] for place in self.position])
        if not self.is_of_listings:
            return ListRow(paper_id, public_id, changed_at, vote_count, position)
        return ListRow(paper_id, public_id, changed_at, vote_count, position, others[0], others[1] or "")


@lru_cache
def _layout_of(model: Hashable, columns: tuple[str, ...]) -> _Layout:
    to_paper, key = ("", "pk") if model is Paper else ("paper__", "paper_id")
    own = (key, *(f"{to_paper}{column}" for column in ("public_id", "changed_at", "vote_count")))
    about_listing = ("is_pinned", "user__username") if model is Listing else ()
    # Each column once: DISTINCT ON does not know a column by its second name.
    names = tuple(dict.fromkeys((*own, *about_listing, *columns)))
    return _Layout(names, tuple(map(names.index, columns)), bool(about_listing))


def format_voters(names: Sequence[str], vote_count: int) -> str:
    """`rita`, `rita and carl`, `rita, carl and 3 others`; those without a name are among the others."""
    others = max(vote_count - len(names), 0)
    words = [*names, *([counted(others, "other")] if others else [])]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
