"""The cards of a list: rendered once per change of a paper, kept in the cache, joined with what is the viewer's own.

A cached card holds its vote as a visitor sees it, and as a reader does who has voted or has not, each without its
count. So a page of fifty costs one read of the cache and one query for the viewer's votes, no template, and its counts
are always the newest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache as remember
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import Prefetch, QuerySet
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from papers.models import Listing, Paper, PaperCategory, SourceFigure, User, Vote

PER_PAGE = 50
CARD_SECONDS = 7 * 24 * 60 * 60
# Control characters, which no text of a paper has: between the parts of a cached card, and where the count goes.
_GAP = "\x00"
_COUNT = "\x01"


@dataclass(frozen=True, slots=True)
class Row:
    """What a page knows of a card before it is rendered: the paper, and what is said of it here."""

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
    more_like_it: str = ""
    """The address of a search for papers like it, on such a list."""


def read_rows(
    found: QuerySet[Listing] | QuerySet[Paper] | QuerySet[PaperCategory],
    columns: Sequence[str],
    *,
    per_page: int = PER_PAGE,
) -> list[Row]:
    """The first rows of a list sorted by `columns`, and one more if there are more. One query."""
    to_paper, key = ("", "pk") if found.model is Paper else ("paper__", "paper_id")
    own = (key, *(f"{to_paper}{column}" for column in ("public_id", "changed_at", "vote_count")))
    about_listing = ("is_pinned", "user__username") if found.model is Listing else ()
    # Each column once: DISTINCT ON does not know a column by its second name.
    names = list(dict.fromkeys((*own, *about_listing, *columns)))
    rows = [dict(zip(names, row, strict=True)) for row in found.values_list(*names)[: per_page + 1]]
    return [
        Row(
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


def render_cards(rows: Sequence[Row], *, viewer: User | AnonymousUser, this_year: int) -> SafeString:
    """The cards of `rows` as HTML. One query for a viewer who is signed in, and one for all that the cache lacks."""
    cards = _cached_cards(rows, this_year=this_year)
    voted = _voted(rows, viewer)
    parts: list[str] = []
    for row in rows:
        card = cards.get(row.paper_id)
        if card is None:  # removed since the list was read
            continue
        before, for_visitor, for_reader, for_voter, between, after = card
        vote = for_visitor if voted is None else for_voter if row.paper_id in voted else for_reader
        parts += (before, vote.replace(_COUNT, str(row.vote_count)), between, _listing_marks(row), after)
    return mark_safe("".join(parts))  # noqa: S308  joined from what templates rendered


def _voted(rows: Iterable[Row], viewer: User | AnonymousUser) -> set[int] | None:
    """The papers that the viewer voted for; None for a visitor."""
    if not viewer.is_authenticated:
        return None
    papers = [row.paper_id for row in rows]
    return set(Vote.objects.filter(user=viewer, paper__in=papers).values_list("paper_id", flat=True))


def _listing_marks(row: Row) -> str:
    if not row.is_pinned and not row.submitted_by and not row.reasons:
        return ""
    return render_to_string("papers/_listing_marks.html", {"row": row})


def sign_in_address(target: str) -> str:
    """The way in that leads on to `target`."""
    return f"{reverse('papers:sign-in')}?{urlencode({'next': target})}"


def _cached_cards(rows: Sequence[Row], *, this_year: int) -> dict[int, list[str]]:
    """By paper: what stands before the vote, the three votes, what stands before and after the marks of the listing."""
    stamp = f"{_template_stamp()}:{this_year}"
    keys = {f"card:{stamp}:{row.paper_id}:{row.changed_at.timestamp()}": row.paper_id for row in rows}
    found: dict[str, str] = cache.get_many(keys)
    missing = {paper_id: key for key, paper_id in keys.items() if key not in found}
    if missing:
        fresh = {missing[paper.pk]: _render(paper, this_year=this_year) for paper in _papers(missing)}
        cache.set_many(fresh, CARD_SECONDS)
        found |= fresh
    return {keys[key]: html.split(_GAP) for key, html in found.items()}


def _papers(pks: Iterable[int]) -> QuerySet[Paper]:
    figures = SourceFigure.objects.order_by("source")
    return Paper.objects.for_cards().filter(pk__in=pks).prefetch_related(Prefetch("source_figures", figures))


def _render(paper: Paper, *, this_year: int) -> str:
    vote_url = reverse("papers:vote", args=[paper.public_id])
    vote = {"paper": {"pk": paper.pk, "vote_count": _COUNT}, "vote_url": vote_url}
    votes = (
        render_to_string("papers/_vote.html", vote | {"sign_in_url": sign_in_address(vote_url)}),
        render_to_string("papers/_vote.html", vote | {"is_signed_in": True, "is_on": False}),
        render_to_string("papers/_vote.html", vote | {"is_signed_in": True, "is_on": True}),
    )
    card = {"paper": paper, "figures": paper.source_figures.all(), "this_year": this_year, "gap": _GAP}
    before, between, after = render_to_string("papers/_card.html", card).split(_GAP)
    return _GAP.join((before, *votes, between, after))


@remember
def _template_stamp() -> str:
    """Changes whenever a release changes how a card looks, or the site moves to another address."""
    templates: list[Any] = [get_template("papers/_card.html"), get_template("papers/_vote.html")]
    sources = "".join(template.template.source for template in templates)
    return hashlib.sha256(f"{settings.VERSION} {settings.SITE.path} {sources}".encode()).hexdigest()[:10]
