"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from papers.web.http import Request
from papers.web.theme import chosen_theme


def site(request: Request) -> dict[str, Any]:
    """What the installation is: the group's choices, the theme, its address and version, the ways in. No queries."""
    return {
        "group": request.group,
        "theme": chosen_theme(request.COOKIES),
        "site_url": settings.SITE_URL,
        "version": settings.VERSION,
        "mail_is_sent": settings.MAIL_IS_SENT,
        "offline_reading": settings.OFFLINE_READING,
        "oidc_name": settings.OIDC_NAME if settings.OIDC_URL else "",
    }
