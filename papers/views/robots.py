"""What programs ask for at the front door, before they look at any page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from papers.web.http import Request

# Pages without end, or made for one reader: a robot that walks them costs much, and finds nothing that others lack.
_NO_PLACE = (
    *(
        "/papers?q=",
        "/papers/search.",
        "/papers/for-you",
        "/papers/since",
        "/papers/new?category=",
        "/topics/try",
        "/pdf/",
    ),
    "/api/",
    *("/curate", "/admin", "/account", "/library", "/following", "/offline", "/sign-", "/submit", "/setup", "/outbox"),
    *("/u/", "/s/", "/mail/", "/subscribe", "/subscriptions"),
)


@require_safe
def robots(request: Request) -> HttpResponse:
    """robots.txt (RFC 9309): papers, days, topics and authors may be read; of a members-only site nothing."""
    closed = ("/",) if request.group.members_only else _NO_PLACE
    lines = ["User-agent: *", *(f"Disallow: {settings.SITE.path}{path}" for path in closed)]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@require_safe
def icon(request: Request) -> HttpResponse:
    """The site's picture, for programs that read no page before they ask for one."""
    return HttpResponse(status=301, headers={"Location": static("icons/icon-180.png")})
