"""The public log of what curators did: a page that can be narrowed down, and its feed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from papers.dates import parse_day
from papers.models import CurationEvent, User
from papers.models.curation import CurationEventQuerySet, LogPosition
from papers.models.user import can_curate
from papers.services.curation.audit_actions import MESSAGES, PRIVATE_ACTIONS
from papers.services.curation.read_desk import AuditLine, audit_lines
from papers.text.cleaning import safe_text
from papers.views.feed_lists import FeedOf, FeedRows, rows_feed, tag_uri
from papers.web.feeds import MAX_ENTRIES, FeedEntry
from papers.web.http import Request
from papers.web.paging import decode_cursor, encode_cursor

PER_PAGE = 50
_FILTERS = ("who", "what", "day")


@require_safe
def log(request: Request) -> HttpResponse:
    """Who did what, when and why; the newest first."""
    after = decode_cursor(request.GET.get("after", ""), LogPosition)
    rows = audit_lines(list(_asked(request).newest(before=after.pk if after else None)[: PER_PAGE + 1]))
    shown = rows[:PER_PAGE]
    query = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    more = {**query, "after": encode_cursor(LogPosition(shown[-1].event.pk))} if len(rows) > PER_PAGE else {}
    context = {
        "rows": shown,
        "more_query": urlencode(more),
        "query": query,
        "feed_query": urlencode(query),
        "acts": [
            (name, words) for name, words in MESSAGES.items() if can_curate(request.user) or name not in PRIVATE_ACTIONS
        ],
        "is_curator": can_curate(request.user),
        "now": timezone.now(),
    }
    response = render(request, "curate/log.html", context)
    patch_vary_headers(response, ["Cookie"])
    return response


@require_safe
def log_feed(request: Request, form: str) -> HttpResponse:
    """The same as a feed: what everybody may know, whoever asks."""
    after = decode_cursor(request.GET.get("after", ""), LogPosition)
    public = _narrowed(request, CurationEvent.objects.public(PRIVATE_ACTIONS))
    rows = audit_lines(list(public.newest(before=after.pk if after else None)[: MAX_ENTRIES + 1]))
    query = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    found = FeedRows(
        entries=[_entry(row) for row in rows],
        cursors=[encode_cursor(LogPosition(row.event.pk)) for row in rows],
        changed=max((row.event.created_at for row in rows), default=None),
    )
    about = FeedOf("curation", "Curation log", reverse("papers:curation-log"), query=query, keeps_order=True)
    return rows_feed(request, form, about, found)


def _asked(request: Request) -> CurationEventQuerySet:
    events = CurationEvent.objects.all() if can_curate(request.user) else CurationEvent.objects.public(PRIVATE_ACTIONS)
    return _narrowed(request, events)


def _narrowed(request: Request, events: CurationEventQuerySet) -> CurationEventQuerySet:
    who, act, day = (safe_text(request.GET.get(name, "")).strip()[:60] for name in _FILTERS)
    if who:
        curator = User.objects.filter(username__iexact=who).values_list("pk", flat=True).first()
        events = events.filter(actor=curator) if curator else events.none()
    if act:
        events = events.filter(action=act)
    if day:
        found = parse_day(day)
        events = events.filter(day=found) if found else events.none()
    return events


def _entry(row: AuditLine) -> FeedEntry:
    event, paper = row.event, row.event.paper
    title = paper.title if paper is not None and paper.hidden_at is None else ""
    who = event.actor.username if event.actor else "a former member"
    words = f"{who} {row.description}" + (f" “{title}”" if title else "")
    why = f"\n\n{event.reason}" if event.reason else ""
    moment: Any = event.created_at
    return FeedEntry(
        id=tag_uri(f"curation:{event.pk}"),
        address=f"{settings.SITE.origin}{reverse('papers:curation-log')}#event-{event.pk}",
        title=words,
        abstract=f"{words}.{why}",
        authors=(who,),
        categories=(event.action,),
        published=moment,
        updated=moment,
    )
