"""The page behind "Save" in a mail."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digests.services import save_link
from papers.web.http import Request
from papers.web.ratelimit import rate_limited


@never_cache
@csrf_exempt  # the key in the address is the right to save, and no cookie has a part in that
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("library", methods=frozenset({"POST"}))
def save(request: Request, key: str, paper_id: int) -> HttpResponse:
    """GET asks, as programs follow the links in mails; POST saves, with or without an account signed in."""
    found = save_link.find_save_link(key, paper_id)
    if found is None:
        raise Http404("This link opens nothing.")
    is_done = request.method == "POST"
    if is_done:
        save_link.save_paper(found)
    response = render(request, "digests/save.html", {"saving": found, "is_done": is_done})
    response["X-Robots-Tag"] = "noindex"
    return response
