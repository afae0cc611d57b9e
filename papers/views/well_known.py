"""What browsers and search engines ask a site for: how it is searched, which pages it has, whom to tell of a hole."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from papers.services.lists import sitemap as listed
from papers.services.search.suggestions import suggest
from papers.text.cleaning import safe_text
from papers.web.http import Request
from papers.web.ratelimit import rate_limited

_HOUR = 60 * 60
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_LONGEST_SHORT_NAME = 16
"""Of a search engine (OpenSearch 1.1)."""


@require_safe
@cache_control(max_age=_HOUR)
def opensearch(request: Request) -> HttpResponse:
    """How browsers search this site (OpenSearch 1.1), with what is proposed while one types."""
    name = " ".join(safe_text(request.group.name).split()) or "Broadsheet"
    origin = settings.SITE.origin
    search = f"{origin}{reverse('papers:papers')}?q={{searchTerms}}"
    proposed = f"{origin}{reverse('papers:opensearch-suggestions')}?q={{searchTerms}}"
    own = f"{origin}{reverse('papers:opensearch')}"
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">\n'
        f"<ShortName>{escape(name[:_LONGEST_SHORT_NAME].strip())}</ShortName>\n"
        f"<LongName>{escape(name[:48].strip())}</LongName>\n"
        "<Description>Search papers</Description>\n"
        "<InputEncoding>UTF-8</InputEncoding>\n"
        f'<Url type="text/html" method="get" template="{escape(search)}"/>\n'
        f'<Url type="application/x-suggestions+json" method="get" template="{escape(proposed)}"/>\n'
        f'<Url type="application/opensearchdescription+xml" rel="self" template="{escape(own)}"/>\n'
        "</OpenSearchDescription>\n"
    )
    return HttpResponse(body, content_type="application/opensearchdescription+xml; charset=utf-8")


@require_safe
@rate_limited("suggest")
def opensearch_suggestions(request: Request) -> HttpResponse:
    """What is typed, and what it may become, in the form that browsers read (OpenSearch Suggestions 1.1)."""
    typed = request.GET.get("q", "")
    words = [each.query for each in suggest(typed, viewer=request.user) if each.query]
    response = JsonResponse([typed, words], safe=False, content_type="application/x-suggestions+json")
    patch_vary_headers(response, ["Cookie"])
    return response


@require_safe
@cache_control(max_age=_HOUR)
def sitemap(_request: Request) -> HttpResponse:
    """The index of all pages that a search engine may know (sitemaps.org): its parts."""
    _indexed_or_404()
    origin = settings.SITE.origin
    parts = [reverse("papers:sitemap-part", args=[number]) for number in range(listed.part_count() + 1)]
    rows = "".join(f"<sitemap><loc>{escape(origin + part)}</loc></sitemap>\n" for part in parts)
    return _xml(f'<sitemapindex xmlns="{_SITEMAP}">\n{rows}</sitemapindex>\n')


@require_safe
@cache_control(max_age=_HOUR)
def sitemap_part(_request: Request, number: int) -> HttpResponse:
    """A part: 0 the lists, the others papers by ranges of their keys."""
    _indexed_or_404()
    if number > listed.part_count():
        raise Http404("There is no such part.")
    rows: Iterable[tuple[str, datetime | None]] = listed.papers_of_part(number) if number else listed.pages()
    return _xml(f'<urlset xmlns="{_SITEMAP}">\n{"".join(_url(*row) for row in rows)}</urlset>\n')


def _url(path: str, changed: datetime | None) -> str:
    at = f"<lastmod>{changed.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed else ""
    return f"<url><loc>{escape(settings.SITE.origin + path)}</loc>{at}</url>\n"


def _xml(body: str) -> HttpResponse:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return HttpResponse(declaration + body, content_type="application/xml; charset=utf-8")


def _indexed_or_404() -> None:
    if not settings.SEARCH_ENGINES:
        raise Http404("This site is in no search engine.")


@require_safe
def change_password(_request: Request) -> HttpResponse:
    """Where password managers send people (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect("papers:password")


@require_safe
def security_txt(_request: Request) -> HttpResponse:
    """Whom to tell of a hole (RFC 9116); nothing where BROADSHEET_SECURITY_CONTACT names nobody.

    It expires half a year after the beginning of this month, so a site that nobody runs any more says nothing stale.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404("Nobody is named.")
    now = timezone.now().astimezone(UTC)
    expires = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=183)
    lines = (
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.SITE.origin}{reverse('papers:security-txt')}",
        "Preferred-Languages: en",
    )
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
