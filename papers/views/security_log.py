"""The security log: of one's own account, and for administrators of all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.models import SecurityEvent, User
from papers.models.security import SecurityEventQuerySet, SecurityPosition
from papers.text.cleaning import safe_text
from papers.web.http import UserRequest
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.permissions import sign_in_required, staff_only

PER_PAGE = 50


@never_cache
@require_safe
@sign_in_required
def own_log(request: UserRequest) -> HttpResponse:
    """What happened to one's own account, the newest first."""
    return render(request, "account/security.html", _page(request, SecurityEvent.objects.of(request.user), {}))


@never_cache
@require_safe
@staff_only
def security_log(request: UserRequest) -> HttpResponse:
    """What happened to all accounts, the newest first; of one account, or of one kind."""
    who, kind = (safe_text(request.GET.get(name, "")).strip()[:60] for name in ("who", "what"))
    events: SecurityEventQuerySet = SecurityEvent.objects.all()
    if who:
        found = User.objects.filter(username__iexact=who).first()
        events = events.of(found) if found else events.none()
    if kind:
        events = events.filter(kind=kind)
    query = {name: value for name, value in (("who", who), ("what", kind)) if value}
    context = {**_page(request, events, query), "query": query, "kinds": SecurityEvent.Kind.choices}
    return render(request, "papers/security_log.html", context)


def _page(request: UserRequest, events: SecurityEventQuerySet, query: dict[str, str]) -> dict[str, Any]:
    """A page of events, and what asks for the next. One query, along an index, counting nothing."""
    after = decode_cursor(request.GET.get("after", ""), SecurityPosition)
    rows = list(events.newest(before=after.pk if after else None)[: PER_PAGE + 1])
    shown = rows[:PER_PAGE]
    more = {**query, "after": encode_cursor(SecurityPosition(shown[-1].pk))} if len(rows) > PER_PAGE else {}
    return {"rows": shown, "more_query": urlencode(more), "now": timezone.now()}
