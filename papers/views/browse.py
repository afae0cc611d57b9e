"""Lists of papers: a day, a week, a month, what is trending, what is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from papers import categories
from papers.dates import parse_day, parse_month, parse_week
from papers.http import Request
from papers.models import Listing, Paper, PaperCategory
from papers.models.listing import DayPosition, SpanPosition, StoredPosition
from papers.models.paper import CategoryPosition, HotPosition, NewPosition
from papers.paging import decode_cursor, encode_cursor
from papers.services.cards import PER_PAGE, read_rows, render_cards
from papers.services.editions import (
    Span,
    chosen_categories,
    curator_names,
    day_span,
    month_span,
    newest_span,
    week_span,
    why_not_today,
)
from papers.services.trending import half_life, trending_floor
from papers.visitors import kept_for_visitors

P = TypeVar("P", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of a list."""

    cards: SafeString
    is_first: bool
    more: str
    """The cursor of the next page, empty on the last."""

    @property
    def is_empty(self) -> bool:
        """The whole list is."""
        return self.is_first and not self.cards

    @property
    def is_past_end(self) -> bool:
        """It got shorter since its last page was read."""
        return not self.is_first and not self.cards


@require_safe
@kept_for_visitors
def today(request: Request) -> HttpResponse:
    """The newest edition that has papers, and why when it is not today's."""
    now = timezone.now()
    span = newest_span(day_span, today=timezone.localdate(now))
    why = why_not_today(span.edition, today=timezone.localdate(now), now=now)
    return _show_day(request, span, {"why": why, "is_newest": True})


@require_safe
@kept_for_visitors
def day(request: Request, day: str) -> HttpResponse:
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    return _show_day(request, day_span(found), {})


@require_safe
def go_to_day(request: Request) -> HttpResponse:
    """Where the calendar's form leads."""
    found = parse_day(request.GET.get("day", ""))
    return redirect("papers:day", found) if found else redirect("papers:today")


@require_safe
@kept_for_visitors
def week(request: Request, week: str | None = None) -> HttpResponse:
    """A week, most voted first; without one, the newest that has papers."""
    monday = parse_week(week) if week else None
    if week and monday is None:
        raise Http404("There is no such week.")
    span = week_span(monday) if monday else newest_span(week_span, today=timezone.localdate())
    page = _page(request, SpanPosition, lambda after: Listing.objects.best_of_week(span.first, after=after))
    return _show(request, "papers/week.html", page, {"span": span})


@require_safe
@kept_for_visitors
def month(request: Request, month: str | None = None) -> HttpResponse:
    """A month, most voted first; without one, the newest that has papers."""
    first = parse_month(month) if month else None
    if month and first is None:
        raise Http404("There is no such month.")
    span = month_span(first) if first else newest_span(month_span, today=timezone.localdate())
    page = _page(request, SpanPosition, lambda after: Listing.objects.best_of_month(span.first, after=after))
    return _show(request, "papers/month.html", page, {"span": span})


@require_safe
@kept_for_visitors
def trending(request: Request) -> HttpResponse:
    """What is voted for now; while nobody votes, the newest edition."""
    floor = trending_floor(now=timezone.now())
    page = _page(request, HotPosition, lambda after: Paper.objects.visible().trending(floor=floor, after=after))
    if not page.is_empty:
        return _show(request, "papers/trending.html", page, {"half_life": half_life()})
    span = newest_span(day_span, today=timezone.localdate())
    page = _page(request, DayPosition, lambda after: Listing.objects.best_of_day(span.first, after=after))
    return _show(request, "papers/trending.html", page, {"instead": span})


@require_safe
@kept_for_visitors
def new(request: Request) -> HttpResponse:
    """Everything fetched, newest first; all of it or one category."""
    asked = request.GET.get("category", "").strip()
    category = categories.named(asked) if asked else None
    if category:
        code = category.code
        page = _page(request, CategoryPosition, lambda after: PaperCategory.objects.newest(code, after=after))
    elif asked:
        page = _page(request, NewPosition, lambda after: Paper.objects.none())
    else:
        page = _page(request, NewPosition, lambda after: Paper.objects.visible().newest(after=after))
    return _show(
        request, "papers/new.html", page, {"asked": asked, "category": category, "chosen": chosen_categories()}
    )


def _show_day(request: Request, span: Span, context: dict[str, Any]) -> HttpResponse:
    day, is_newest_first = span.first, request.GET.get("sort") == "newest"
    if is_newest_first:
        page = _page(request, StoredPosition, lambda after: Listing.objects.newest_of_day(day, after=after))
    else:
        page = _page(request, DayPosition, lambda after: Listing.objects.best_of_day(day, after=after))
    return _show(request, "papers/day.html", page, {"span": span, "is_newest_first": is_newest_first, **context})


def _page(request: Request, kind: type[P], list_after: Callable[[P | None], QuerySet[Any]]) -> CardPage:
    """The page that the address asks for of a list that is sorted by `kind`."""
    after = decode_cursor(request.GET.get("after", ""), kind)
    rows = read_rows(list_after(after), kind._fields)  # type: ignore[attr-defined]  # a named tuple
    shown = rows[:PER_PAGE]
    return CardPage(
        cards=render_cards(shown, viewer=request.user, this_year=timezone.localdate().year),
        is_first=after is None,
        more=encode_cursor(shown[-1].position) if len(rows) > PER_PAGE else "",
    )


def _show(request: Request, template: str, page: CardPage, context: dict[str, Any]) -> HttpResponse:
    """A whole page; for htmx that asks for more, the next cards alone."""
    query = {name: request.GET[name] for name in ("sort", "category") if name in request.GET}
    context |= {
        "page": page,
        "first_query": urlencode(query),
        "more_query": urlencode(query | {"after": page.more}),
        "today": timezone.localdate(),
    }
    if request.htmx and not page.is_first:
        response = render(request, "papers/_cards.html", context)
    else:
        response = render(request, template, {**context, "curators": curator_names()})
    # One address, two answers: a cache must not take one for the other.
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response
