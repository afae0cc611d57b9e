"""The page of statistics, for curators and administrators."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.dates import parse_day
from papers.services.operations.statistics_page import read_statistics
from papers.web.http import UserRequest
from papers.web.permissions import curators_or_staff_only


@never_cache
@require_safe
@curators_or_staff_only
def statistics(request: UserRequest) -> HttpResponse:
    """How the days, the sources, the mail and the queues have been: pictures, each with its table."""
    now = timezone.now()
    until = parse_day(request.GET.get("until", ""))
    return render(request, "papers/statistics.html", {"desk": read_statistics(now=now, until=until), "now": now})
