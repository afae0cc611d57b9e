"""What a reader is done with, what was missed, what is muted, and how a reader reads."""

from __future__ import annotations

import json
from datetime import date, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.dates import parse_day, parse_week
from papers.forms.accounts import ReadingPreferencesForm
from papers.models import Listing, MutedQuery
from papers.models.listing import SpanCursor
from papers.services.lists.overview import read_overview
from papers.services.reading.bulk import Before
from papers.services.reading.muted_queries import MutingError, mute_query, preview_mute, unmute_query
from papers.services.reading.seen import set_days_done, set_list_done
from papers.services.reading.undo import before_done, before_list_done
from papers.services.reading.visits import missed_since, record_visit
from papers.text.counts import counted
from papers.views.paper_lists import card_page, show_list
from papers.web.answers import answer_act, seen_count_html
from papers.web.http import UserRequest, safe_next
from papers.web.message_storage import WITHOUT_UNDO
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited

# By the first word of their names: what their button calls them.
LISTS_WITHOUT_DAYS = {"trending": "list", "topic": "topic", "own-topic": "topic"}


@require_POST
@sign_in_required
@rate_limited("library")
def mark_day_done(request: UserRequest, day: str) -> HttpResponse:
    """Done with this day (`on` is 1), or not after all."""
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    return _mark_done(request, found, found, "day", default=reverse("papers:day", args=[day]))


@require_POST
@sign_in_required
@rate_limited("library")
def mark_week_done(request: UserRequest, week: str) -> HttpResponse:
    """Done with all days of this week (`on` is 1), or not after all."""
    monday = parse_week(week)
    if monday is None:
        raise Http404("There is no such week.")
    return _mark_done(request, monday, monday + timedelta(days=6), "week", default=reverse("papers:week", args=[week]))


@require_POST
@sign_in_required
@rate_limited("library")
def mark_list_done(request: UserRequest) -> HttpResponse:
    """Done with what is trending or has a topic, as `list` names it (`on` is 1), or not after all."""
    name, now, is_on = request.POST.get("list", ""), timezone.now(), request.POST.get("on") == "1"
    kind = name.partition(":")[0]
    if kind not in LISTS_WITHOUT_DAYS or "\0" in name:
        raise Http404("There is no such list.")
    papers = read_overview(name[:200], viewer=request.user, now=now).papers
    changed = set_list_done(user=request.user, paper_ids=papers, on=is_on, now=now)
    before = before_list_done(now) if is_on else None
    default = reverse("papers:trending" if kind == "trending" else "papers:topics")
    return _answer_done(request, changed, LISTS_WITHOUT_DAYS[kind], is_on=is_on, before=before, default=default)


def _mark_done(request: UserRequest, first: date, last: date, what: str, *, default: str) -> HttpResponse:
    is_on = request.POST.get("on") == "1"
    changed = set_days_done(user=request.user, first=first, last=last, on=is_on)
    before = before_done(first, last, on=is_on)
    return _answer_done(request, changed, what, is_on=is_on, before=before, default=default)


def _answer_done(
    request: UserRequest, changed: int, what: str, *, is_on: bool, before: Before | None, default: str
) -> HttpResponse:
    papers = counted(changed, "paper")
    said = f"{papers} of this {what} marked as seen." if is_on else f"{papers} marked as unseen.".capitalize()
    if not is_on and request.htmx:  # which cards were seen before is not known here
        messages.success(request, said, extra_tags=WITHOUT_UNDO)
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"done_url": request.path, "is_done": is_on, "what": what, "list": request.POST.get("list", "")}
    html = render_to_string("papers/_done.html", context, request) + seen_count_html(request) if request.htmx else ""
    response = answer_act(request, said, default=default, before=before, html=html)
    if request.htmx:
        response["HX-Trigger"] = json.dumps({"seen": {"all": True, "on": True}})
    return response


@require_POST
@sign_in_required
@rate_limited("library")
def hide_seen(request: UserRequest) -> HttpResponse:
    """The switch over every list."""
    request.user.hides_seen = request.POST.get("on") == "1"
    request.user.save(update_fields=["hides_seen"])
    said = "Seen papers are hidden." if request.user.hides_seen else "Seen papers are shown."
    messages.success(request, said, extra_tags=WITHOUT_UNDO)
    return redirect(safe_next(request, default=reverse("papers:today")))


@require_safe
@never_cache
@sign_in_required
def missed_papers(request: UserRequest) -> HttpResponse:
    """What was listed since the last visit, or from a day on: one list, most voted first, each paper once."""
    record_visit(request.user, now=timezone.now())
    missed = missed_since(request.user, from_day=parse_day(request.GET.get("day", "")), today=timezone.localdate())
    page = card_page(
        request,
        SpanCursor,
        lambda after: Listing.objects.best_since(missed.first_day, release=missed.release, after=after),
    )
    return show_list(request, "papers/missed_papers.html", page, {"missed": missed})


@never_cache
@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def reading_preferences(request: UserRequest) -> HttpResponse:
    """How a reader reads: names on votes, what was seen, keys."""
    form = ReadingPreferencesForm(request.POST if request.method == "POST" else None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("papers:reading-preferences")
    return render(request, "papers/reading_preferences.html", {"form": form})


@never_cache
@sign_in_required
@rate_limited("library")
@require_http_methods(["GET", "HEAD", "POST"])
def muted_queries(request: UserRequest) -> HttpResponse:
    """The reader's muted searches; a new one is previewed (GET with `q`), then stored (POST)."""
    if request.method == "POST":
        try:
            mute_query(user=request.user, text=request.POST.get("q", ""))
        except MutingError as error:
            messages.error(request, str(error))
        return redirect("papers:muted")
    text = request.GET.get("q", "")
    context = {
        "queries": list(MutedQuery.objects.of(request.user)),
        "text": text,
        "preview": preview_mute(text, user=request.user, today=timezone.localdate()) if text else None,
    }
    return render(request, "papers/muted_queries.html", context)


@require_POST
@sign_in_required
@rate_limited("library")
def unmute(request: UserRequest, key: int) -> HttpResponse:
    """Show again what a question folded away."""
    unmute_query(user=request.user, key=key)
    return redirect("papers:muted")
