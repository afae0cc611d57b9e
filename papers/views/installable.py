"""The site as an app of a telephone or a desk: its manifest, the worker of its pages, and the edition that it keeps."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from papers.models import Listing
from papers.models.listing import DayCursor
from papers.services.editions.spans import day_span, newest_span
from papers.services.lists.rows import read_list_rows
from papers.web.cards import render_kept_cards
from papers.web.http import Request
from papers.web.page_cache import cache_with_parameters

MOST_KEPT = 100
"""Papers of the edition that a browser keeps, the most voted first."""
_MANIFEST_SECONDS = 60 * 60
_LONGEST_SHORT_NAME = 12
_ICON_SIZES = (192, 512)


@require_safe
@cache_control(max_age=_MANIFEST_SECONDS)
def manifest(request: Request) -> HttpResponse:
    """The web app manifest (W3C): the group's name, the icons, and that addresses may be shared to `/submit`."""
    name, home = request.group.name or "Broadsheet", reverse("papers:today")
    about = {
        "id": home,
        "name": name,
        "short_name": name if len(name) <= _LONGEST_SHORT_NAME else "Papers",
        "description": "Daily papers: what is new, what is read, what is worth reading.",
        "lang": "en",
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": "#a8321a",
        "icons": [_icon(kind, size) for kind in ("icon", "maskable") for size in _ICON_SIZES],
        "share_target": {
            "action": reverse("papers:submit"),
            "method": "GET",
            "enctype": "application/x-www-form-urlencoded",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
    return JsonResponse(about, content_type="application/manifest+json")


def _icon(kind: str, size: int) -> dict[str, str]:
    purpose = "maskable" if kind == "maskable" else "any"
    address = static(f"icons/{kind}-{size}.png")
    return {"src": address, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


@require_safe
@cache_control(no_cache=True)
def service_worker(_request: Request) -> HttpResponse:
    """The script of the service worker; where offline reading is off, one that takes itself and what it kept away.

    Another release has another script, so browsers that look for it, once a visit, begin anew with each.
    """
    site = {"root": reverse("papers:today"), "offline": reverse("papers:offline"), "release": settings.VERSION}
    name = "worker/offline.js" if settings.OFFLINE_READING else "worker/removed.js"
    script = render_to_string(name, {"site": json.dumps(site)})
    headers = {"Service-Worker-Allowed": site["root"]}
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers=headers)


@require_safe
def offline(request: Request) -> HttpResponse:
    """The newest edition as browsers keep it for when there is no connection; who goes there is led to today's page.

    It is the same for everybody who may read: no name, no vote, no button.
    """
    if request.headers.get("Sec-Fetch-Mode") == "navigate":
        return redirect("papers:today")
    return _kept_edition(request)


@cache_with_parameters(frozenset())
def _kept_edition(request: Request) -> HttpResponse:
    now = timezone.now()
    today = timezone.localdate(now)
    span = newest_span(day_span, today=today)
    rows = read_list_rows(Listing.objects.best_of_day(span.first), DayCursor._fields, per_page=MOST_KEPT)[:MOST_KEPT]
    context = {
        "span": span,
        "cards": render_kept_cards(rows, this_year=today.year),
        "shown": len(rows),
        "kept_at": now,
        "style_sheet": static("css/broadsheet.css"),
    }
    return render(request, "papers/offline.html", context)
