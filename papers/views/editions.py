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
from papers.models.listing import DayCursor, ForMeCursor, SpanCursor, StoredCursor
from papers.models.paper import CategoryPosition, NewestPosition, TrendingPosition
from papers.services.editions.masthead import chosen_categories
from papers.services.editions.related import related_of
from papers.services.editions.spans import (
    Span,
    day_span,
    explain_absence,
    explain_empty_day,
    front_page,
    month_span,
    newest_span,
    week_span,
)
from papers.services.lists.rows import DatedList
from papers.services.lists.trending import trending_floor, trending_half_life
from papers.services.reading.visits import has_missed_editions
from papers.views.paper_lists import BarOf, card_page, show_list
from papers.web.http import Request
from papers.web.list_bar import FOR_ME, Order
from papers.web.page_cache import cache_for_anonymous

_BY_VOTES = Order("", "Votes here, then Hugging Face")
DAY_ORDERS = (_BY_VOTES, Order("newest", "Newest"), Order(FOR_ME, "For me"))
WEEK_ORDERS = (_BY_VOTES,)
TRENDING_ORDERS = (Order("", "Recent votes"),)


@require_safe
@cache_for_anonymous
def today(request: Request) -> HttpResponse:
    """The newest full edition, what was listed on later days, and why when it is not today's."""
    now = timezone.now()
    front = front_page(today=timezone.localdate(now))
    why = explain_absence(front.span.edition, today=timezone.localdate(now), now=now)
    return _show_day(request, front.span, {"why": why, "now": now, "is_newest": True, "later": front.later})


@require_safe
@cache_for_anonymous
def day(request: Request, day: str) -> HttpResponse:
    """A day's edition, most voted first or newest first."""
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    span, now = day_span(found), timezone.now()
    why_empty = None if span.listed_count else explain_empty_day(found, today=timezone.localdate(now), now=now)
    return _show_day(request, span, {"why_empty": why_empty, "now": now})


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
    page = card_page(
        request,
        SpanCursor,
        DatedList(Listing.objects.best_of_week, span.first),
        bar=BarOf(f"week:{span.first}", WEEK_ORDERS, size=span.listed_count, days=_days(span)),
    )
    return show_list(request, "papers/week.html", page, {"span": span})


@require_safe
@cache_for_anonymous
def month(request: Request, month: str | None = None) -> HttpResponse:
    """A month, most voted first; without one, the newest that has papers."""
    span = _span_of(month, parse_month, month_span, what="month")
    page = card_page(request, SpanCursor, DatedList(Listing.objects.best_of_month, span.first))
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
        request,
        TrendingPosition,
        lambda after: Paper.objects.visible().trending(min_score=floor, after=after),
        bar=BarOf("trending", TRENDING_ORDERS),
    )
    if not page.is_empty or page.hides_seen_papers or request.GET.get("category"):
        return show_list(request, "papers/trending.html", page, {"half_life": trending_half_life()})
    span = front_page(today=timezone.localdate()).span
    page = card_page(
        request,
        DayCursor,
        DatedList(Listing.objects.best_of_day, span.first),
        bar=BarOf(f"day:{span.first}", DAY_ORDERS[:1], size=span.listed_count, days=_days(span)),
    )
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
    day, sort = span.first, request.GET.get("sort", "")
    related = related_of(span.edition)
    bar = BarOf(f"day:{day}", DAY_ORDERS, size=span.listed_count, days=_days(span), related=related)
    if sort == "newest":
        page = card_page(request, StoredCursor, DatedList(Listing.objects.newest_of_day, day), bar=bar)
    elif sort == FOR_ME and request.user.is_authenticated:
        user = request.user
        page = card_page(request, ForMeCursor, lambda after: Listing.objects.day_for(user, day, after=after), bar=bar)
    else:
        page = card_page(request, DayCursor, DatedList(Listing.objects.best_of_day, day), bar=bar)
    context |= {"span": span}
    if "is_newest" in context and page.is_first:
        context["missed_editions"] = has_missed_editions(request.user, before=day)
    return show_list(request, "papers/day.html", page, context)


def _days(span: Span) -> tuple[date, ...]:
    return tuple(edition.day for edition in span.with_papers)
