"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from papers.http import Request
from papers.theme import chosen_theme


def site(request: Request) -> dict[str, Any]:
    """`group` (the group's choices), `theme`, `site_url` and `version`. No queries."""
    return {
        "group": request.group,
        "theme": chosen_theme(request.COOKIES),
        "site_url": settings.SITE_URL,
        "version": settings.VERSION,
    }
