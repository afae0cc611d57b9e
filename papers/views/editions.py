"""Lists of papers: a day, a week, a month, what is trending, what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.catalogue import categories
from papers.dates import parse_day, parse_month, parse_week
from papers.models import Listing, Paper, PaperCategory
from papers.models.listing import DayCursor, SpanCursor, StoredCursor
from papers.models.paper import CategoryPosition, NewestPosition, TrendingPosition
from papers.services.editions.masthead import chosen_categories
from papers.services.editions.spans import (
    Span,
    day_span,
    explain_absence,
    month_span,
    newest_span,
    week_span,
)
from papers.services.lists.trending import trending_floor, trending_half_life
from papers.services.reading.visits import has_missed_editions
from papers.views.paper_lists import card_page, show_list
from papers.web.http import Request
from papers.web.page_cache import cache_for_anonymous


@require_safe
@cache_for_anonymous
def today(request: Request) -> HttpResponse:
    """The newest edition that has papers, and why when it is not today's."""
    now = timezone.now()
    span = newest_span(day_span, today=timezone.localdate(now))
    why = explain_absence(span.edition, today=timezone.localdate(now), now=now)
    return _show_day(request, span, {"why": why, "is_newest": True})


@require_safe
@cache_for_anonymous
def day(request: Request, day: str) -> HttpResponse:
    """A day's edition, most voted first or newest first."""
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
@cache_for_anonymous
def week(request: Request, week: str | None = None) -> HttpResponse:
    """A week, most voted first; without one, the newest that has papers."""
    span = _span_of(week, parse_week, week_span, what="week")
    page = card_page(request, SpanCursor, lambda after: Listing.objects.best_of_week(span.first, after=after))
    return show_list(request, "papers/week.html", page, {"span": span})


@require_safe
@cache_for_anonymous
def month(request: Request, month: str | None = None) -> HttpResponse:
    """A month, most voted first; without one, the newest that has papers."""
    span = _span_of(month, parse_month, month_span, what="month")
    page = card_page(request, SpanCursor, lambda after: Listing.objects.best_of_month(span.first, after=after))
    return show_list(request, "papers/month.html", page, {"span": span})


def _span_of(
    name: str | None, parse: Callable[[str], date | None], make_span: Callable[[date], Span], *, what: str
) -> Span:
    """The week or month of an address; without a name, the newest that has papers.

    Raises:
        Http404: the name is none of a week or month.
    """
    if not name:
        return newest_span(make_span, today=timezone.localdate())
    first = parse(name)
    if first is None:
        raise Http404(f"There is no such {what}.")
    return make_span(first)


@require_safe
@cache_for_anonymous
def trending(request: Request) -> HttpResponse:
    """Papers by trending score; while nobody votes, the newest edition."""
    floor = trending_floor(now=timezone.now())
    page = card_page(
        request, TrendingPosition, lambda after: Paper.objects.visible().trending(min_score=floor, after=after)
    )
    if not page.is_empty or page.hides_seen_papers:
        return show_list(request, "papers/trending.html", page, {"half_life": trending_half_life()})
    span = newest_span(day_span, today=timezone.localdate())
    page = card_page(request, DayCursor, lambda after: Listing.objects.best_of_day(span.first, after=after))
    return show_list(request, "papers/trending.html", page, {"instead": span})


@require_safe
@cache_for_anonymous
def new(request: Request) -> HttpResponse:
    """Everything fetched, newest first; all of it or one category."""
    asked = request.GET.get("category", "").strip()
    category = categories.find_category(asked) if asked else None
    if category:
        code = category.code
        page = card_page(request, CategoryPosition, lambda after: PaperCategory.objects.newest(code, after=after))
    elif asked:
        page = card_page(request, NewestPosition, lambda after: Paper.objects.none())
    else:
        page = card_page(request, NewestPosition, lambda after: Paper.objects.visible().newest(after=after))
    return show_list(
        request, "papers/new.html", page, {"asked": asked, "category": category, "chosen": chosen_categories()}
    )


def _show_day(request: Request, span: Span, context: dict[str, Any]) -> HttpResponse:
    day, is_newest_first = span.first, request.GET.get("sort") == "newest"
    if is_newest_first:
        page = card_page(
            request,
            StoredCursor,
            lambda after: Listing.objects.newest_of_day(day, after=after),
            day=day,
            total=span.listed_count,
        )
    else:
        page = card_page(
            request,
            DayCursor,
            lambda after: Listing.objects.best_of_day(day, after=after),
            day=day,
            total=span.listed_count,
        )
    context |= {"span": span, "is_newest_first": is_newest_first}
    if "is_newest" in context and page.is_first:
        context["missed_editions"] = has_missed_editions(request.user, before=day)
    return show_list(request, "papers/day.html", page, context)
