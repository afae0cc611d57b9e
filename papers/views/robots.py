"""What programs ask for at the front door, before they look at any page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import reverse
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
    *(
        "/curate",
        "/admin",
        "/account",
        "/library",
        "/following",
        "/feeds/",
        "/api/",
        "/offline",
        "/sign-",
        "/submit",
        "/setup",
        "/outbox",
    ),
    *("/u/", "/s/", "/mail/", "/subscribe", "/subscriptions"),
)


@require_safe
def robots(request: Request) -> HttpResponse:
    """robots.txt (RFC 9309): papers, days, topics and authors may be read; of a members-only site nothing, nor of one
    that is to be in no search engine."""
    is_open = settings.SEARCH_ENGINES and not request.group.members_only
    closed = _NO_PLACE if is_open else ("/",)
    lines = ["User-agent: *", *(f"Disallow: {settings.SITE.path}{path}" for path in closed)]
    if is_open:
        lines.append(f"Sitemap: {settings.SITE.origin}{reverse('papers:sitemap')}")
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@require_safe
def icon(request: Request) -> HttpResponse:
    """The site's picture, for programs that read no page before they ask for one."""
    return HttpResponse(status=301, headers={"Location": static("icons/icon-180.png")})
