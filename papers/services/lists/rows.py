"""The rows of a list of papers: what is read of each paper before its card is made. No HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    to_paper, key = ("", "pk") if found.model is Paper else ("paper__", "paper_id")
    own = (key, *(f"{to_paper}{column}" for column in ("public_id", "changed_at", "vote_count")))
    about_listing = ("is_pinned", "user__username") if found.model is Listing else ()
    # Each column once: DISTINCT ON does not know a column by its second name.
    names = list(dict.fromkeys((*own, *about_listing, *columns)))
    rows = [dict(zip(names, row, strict=True)) for row in found.values_list(*names)[: per_page + 1]]
    return [
        ListRow(
            paper_id=row[own[0]],
            public_id=row[own[1]],
            changed_at=row[own[2]],
            vote_count=row[own[3]],
            position=tuple(row[column] for column in columns),
            is_pinned=row.get("is_pinned", False),
            submitted_by=row.get("user__username") or "",
        )
        for row in rows
    ]


def format_voters(names: Sequence[str], vote_count: int) -> str:
    """`rita`, `rita and carl`, `rita, carl and 3 others`; those without a name are among the others."""
    others = max(vote_count - len(names), 0)
    words = [*names, *([counted(others, "other")] if others else [])]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
