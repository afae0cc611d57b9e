"""Clubs as calendars (iCalendar): of one club for everybody who may see it; by a reader's key, for programs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from papers.models import Club
from papers.services.clubs.read_club import clubs_of
from papers.views.own_feeds import reader_of
from papers.web.calendars import CALENDAR_TYPE
from papers.web.club_calendar import clubs_calendar
from papers.web.http import Request
from papers.web.permissions import club_for_read


@require_safe
def calendar(request: Request, slug: str) -> HttpResponse:
    """A club's meetings."""
    club = club_for_read(request.user, slug)
    return _answer(request, club.name, [club], f"{club.slug}.ics")


@require_safe
@cache_control(private=True)
def own_calendar(request: Request, key: str, slug: str) -> HttpResponse:
    """The same by a reader's key."""
    club = club_for_read(reader_of(key), slug)
    return _answer(request, club.name, [club], f"{club.slug}.ics")


@require_safe
@cache_control(private=True)
def all_own(request: Request, key: str) -> HttpResponse:
    """The meetings of all clubs that the reader with this key takes part in."""
    return _answer(request, f"Clubs of {request.group.name or 'Broadsheet'}", clubs_of(reader_of(key)), "clubs.ics")


def _answer(request: Request, name: str, clubs: Sequence[Club], file_name: str) -> HttpResponse:
    """The calendar, or 304 for who has this one. Nothing in it depends on the moment but which meetings are in it."""
    body = clubs_calendar(name, clubs, now=timezone.now())
    etag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Disposition": f'inline; filename="{file_name}"'}
    response = HttpResponse(body, content_type=CALENDAR_TYPE, headers=headers)
    patch_vary_headers(response, ["Cookie"])
    return get_conditional_response(request, etag=etag, response=response) or response
