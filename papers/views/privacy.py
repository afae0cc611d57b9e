"""What is kept of people here, how long, and who sees it: open to everybody, on a closed site too."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.web.http import Request
from papers.web.privacy import privacy_facts


@require_safe
def privacy(request: Request) -> HttpResponse:
    """The page, made from the settings in force."""
    return render(request, "papers/privacy.html", {"facts": privacy_facts(request.group, now=timezone.now())})
