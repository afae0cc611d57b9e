"""Pages and feeds of lists as visitors get them, cached whole for a moment: a link that is passed around is no burden.

Everybody who isn't signed in sees the same page. It is cached for seconds, and a vote ends it at once: every cached
page carries the stamp that was in force before its rows were read, and a committed change of what lists show renews
the stamp. The stamp is in the cache, beside the pages that carry it: when the cache is lost, both are. Pages are kept
as they leave, compressed; nothing in them is anybody's own, so they are the one kind that needs no padding.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

from papers.web.compression import KEPT_LEVEL, gunzipped, gzipped, mark_gzip, takes_gzip
from papers.web.http import Request
from papers.web.theme import chosen_theme, theme_cookie
from papers.web.validators import etag_of

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], HttpResponse]

_PARAMETERS = frozenset({"after", "sort", "category"})
_KEPT_HEADERS = ("Content-Type", "Last-Modified", "Link")
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
_STAMP_KEY = "visitors-stamp"
_STAMP_SECONDS = 24 * 60 * 60


def invalidate_page_cache() -> None:
    """Once this transaction is committed, let no visitor see what was true before it.

    Services reach it by `papers.hooks.lists_changed`.
    """
    transaction.on_commit(lambda: cache.set(_STAMP_KEY, uuid4().hex, _STAMP_SECONDS))


def cache_for_anonymous(view: View[P]) -> View[P]:
    """A view whose answers to visitors depend on the address, the theme and the rows alone."""
    return cache_with_parameters(_PARAMETERS)(view)


def cache_with_parameters(names: frozenset[str]) -> Callable[[View[P]], View[P]]:
    """The same for a view with other parameters. Addresses with any that is not among `names` are not kept."""
    return lambda view: _cached(view, names)


def _cached(view: View[P], names: frozenset[str]) -> View[P]:
    @wraps(view)
    def cached_view(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = _key(request, names)
        if key is None:
            return view(request, *args, **kwargs)
        found = cache.get_many([_STAMP_KEY, key])
        stamp = found.get(_STAMP_KEY, "")
        if key in found and found[key][0] == stamp:
            return _answer(request, *found[key][1:])
        with _unconditionally(request):
            response = view(request, *args, **kwargs)
        if response.status_code != 200:
            return response
        etag = etag_of(response.content)
        packed = b64encode(gzipped(response.content, level=KEPT_LEVEL)).decode("ascii")
        kept = (packed, etag, {name: response[name] for name in _KEPT_HEADERS if name in response})
        cache.set(key, (stamp, *kept), settings.ANONYMOUS_PAGE_SECONDS)
        return _answer(request, *kept)

    return cached_view


@contextmanager
def _unconditionally(request: Request) -> Iterator[None]:
    """What the browser has is looked at when the whole page is there, to be cached."""
    asked = {name: request.META.pop(name) for name in _CONDITIONS if name in request.META}
    try:
        yield
    finally:
        request.META.update(asked)


def _answer(request: Request, packed: str, etag: str, kept: dict[str, str]) -> HttpResponse:
    """The page or feed, or 304 for who has this one. It may be kept, and must be asked for each time."""
    headers = {**kept, "ETag": etag, "Cache-Control": "no-cache"}
    modified = kept.get("Last-Modified", "")
    body, is_packed = b64decode(packed), takes_gzip(request)
    response = HttpResponse(body if is_packed else gunzipped(body), headers=headers)
    patch_vary_headers(response, ["Cookie", "HX-Request", "Accept-Encoding"])
    if is_packed:
        mark_gzip(response)
    last_modified = parse_http_date_safe(modified) if modified else None
    answer = get_conditional_response(request, etag=etag, last_modified=last_modified, response=response)
    return response if answer is None else answer


def _key(request: Request, names: frozenset[str]) -> str | None:
    """The key of the page in the cache; None where a cookie or a token may make it somebody's own."""
    if "Authorization" in request.headers:
        return None
    if not settings.ANONYMOUS_PAGE_SECONDS or set(request.COOKIES) - {theme_cookie()} or request.method != "GET":
        return None
    if set(request.GET) - names:  # nobody fills the cache by making up addresses
        return None
    parts = (timezone.localdate(), chosen_theme(request.COOKIES), bool(request.htmx), request.get_full_path())
    # Addresses may be long, and have spaces in them.
    return f"visitors-answer:{hashlib.sha256(repr((settings.VERSION, *parts)).encode()).hexdigest()}"
