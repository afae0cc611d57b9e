"""Is each day complete, do the sources answer, are the workers alive."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.services.operations.backups import read_backups
from papers.services.operations.sample import has_sample
from papers.services.operations.status import server_statistics, site_status
from papers.web.http import Request
from papers.web.page_cache import cache_for_anonymous
from papers.web.permissions import may_administer


@require_safe
@cache_for_anonymous
@never_cache
def status(request: Request) -> HttpResponse:
    """For readers: completeness, and whether news come in. For the staff: errors, addresses and figures too."""
    now = timezone.now()
    is_staff = may_administer(request.user)
    context = {
        "status": site_status(today=timezone.localdate(now), now=now),
        "has_sample": has_sample,  # asked only where no real edition is there
        "internals": server_statistics() if is_staff else None,
        "data_dir": settings.DATA_DIR.path if is_staff else None,
        "backups": read_backups(now=now) if is_staff else None,
        "now": now,
    }
    return render(request, "papers/status.html", context)
