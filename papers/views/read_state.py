"""What a reader is done with, what was missed, what is muted, and how a reader reads."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.dates import parse_day
from papers.forms.accounts import ReadingPreferencesForm
from papers.models import Listing, MutedQuery
from papers.models.listing import SpanCursor
from papers.services.reading.muted_queries import MutingError, mute_query, preview_mute, unmute_query
from papers.services.reading.seen import set_day_done
from papers.services.reading.visits import missed_since, record_visit
from papers.views.paper_lists import card_page, show_list
from papers.web.http import UserRequest, safe_next
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited


@require_POST
@sign_in_required
@rate_limited("library")
def mark_day_done(request: UserRequest, day: str) -> HttpResponse:
    """Done with this day (`on` is 1), or not after all."""
    found = parse_day(day)
    if found is None:
        raise Http404("There is no such day.")
    is_on = request.POST.get("on") == "1"
    changed = set_day_done(user=request.user, day=found, on=is_on)
    papers = f"{changed} paper{'' if changed == 1 else 's'}"
    messages.success(
        request,
        f"Done with the day: {papers} marked as seen." if is_on else f"Undone: {papers} not seen any more.",
    )
    return redirect(safe_next(request, default=reverse("papers:day", args=[day])))


@require_POST
@sign_in_required
@rate_limited("library")
def hide_seen(request: UserRequest) -> HttpResponse:
    """The switch over every list."""
    request.user.hides_seen = request.POST.get("on") == "1"
    request.user.save(update_fields=["hides_seen"])
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
        messages.success(request, "Kept.")
        return redirect("papers:reading-preferences")
    return render(request, "papers/reading_preferences.html", {"form": form})


@never_cache
@sign_in_required
@rate_limited("library")
@require_http_methods(["GET", "HEAD", "POST"])
def muted_queries(request: UserRequest) -> HttpResponse:
    """The reader's muted questions; a new one is looked at first (GET with `q`), then kept (POST)."""
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
