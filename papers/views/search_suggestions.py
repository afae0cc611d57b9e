"""What the search box proposes while somebody types, as JSON for the script of the box."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from papers.services.search.suggestions import suggest
from papers.web.http import Request
from papers.web.ratelimit import rate_limited


@require_safe
@rate_limited("suggest")
def suggestions(request: Request) -> HttpResponse:
    """Proposals for what is typed (`q`), for this viewer alone."""
    found = [asdict(each) for each in suggest(request.GET.get("q", ""), viewer=request.user)]
    response = JsonResponse({"suggestions": found})
    patch_vary_headers(response, ["Cookie"])
    return response
