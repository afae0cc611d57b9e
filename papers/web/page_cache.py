"""Pages and feeds of lists as visitors get them, cached whole for a moment: a link that is passed around is no burden.

Everybody who isn't signed in sees the same page. It is cached for seconds, and a vote ends it at once: every cached
page carries the stamp that was in force before its rows were read, and a committed change of what lists show renews
the stamp. The stamp is in the cache, beside the pages that carry it: when the cache is lost, both are. Pages are kept
as they leave, compressed; nothing in them is anybody's own, so they are the one kind that needs no padding.

A process also remembers those it has just sent, and `KeptPageMiddleware` answers with them before anything looks for a
session: all that is asked is whether their stamp is still in force.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, tzinfo
from functools import wraps
from typing import Concatenate, NamedTuple, ParamSpec
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.urls import ResolverMatch
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

from papers.process_memory import ProcessMemory
from papers.web.compression import gunzipped, gzipped, mark_gzip, takes_gzip
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
_MOST_BYTES_HERE = 4_000_000


class _Kept(NamedTuple):
    """An answer as it is kept."""

    packed: bytes
    """Its body, compressed."""
    etag: str
    headers: dict[str, str]


class _KeptHere(NamedTuple):
    """The same in the memory of this process, with what must still hold for it to be the answer."""

    kept: _Kept
    stamp: str
    until: float
    """By the clock that nobody sets."""
    day: date
    zone: tzinfo
    """In which it is that day: pages name today."""
    match: ResolverMatch
    """By whose name it is counted."""


_here: ProcessMemory[tuple[str, str, str], _KeptHere] = ProcessMemory(_MOST_BYTES_HERE)


def invalidate_page_cache() -> None:
    """Once this transaction is committed, let no visitor see what was true before it.

    Services reach it by `papers.hooks.lists_changed`.
    """
    transaction.on_commit(lambda: cache.set(_STAMP_KEY, uuid4().hex, _STAMP_SECONDS))


def cache_for_anonymous(view: View[P]) -> View[P]:
    """A view whose answers to visitors depend on the address, the theme and the rows alone.

    What stands around it is not asked for every answer: the middleware may have given that before.
    """
    return _cached(view, _PARAMETERS, is_first=True)


def cache_with_parameters(names: frozenset[str]) -> Callable[[View[P]], View[P]]:
    """The same for a view with other parameters, and with decorators around it that each request passes.

    Addresses with any parameter that is not among `names` are not kept.
    """
    return lambda view: _cached(view, names)


def _cached(view: View[P], names: frozenset[str], *, is_first: bool = False) -> View[P]:
    @wraps(view)
    def cached_view(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        key = _key(request, names)
        if key is None:
            return view(request, *args, **kwargs)
        found = cache.get_many([_STAMP_KEY, key])
        stamp = found.get(_STAMP_KEY) or _first_stamp()
        if key in found and found[key][0] == stamp:
            made_at, packed, etag, headers = found[key][1:]
            kept = _Kept(b64decode(packed), etag, headers)
        else:
            made_at = time.time()
            with _unconditionally(request):
                response = view(request, *args, **kwargs)
            if response.status_code != 200:
                return response
            kept = _Kept(
                gzipped(response.content, is_kept=True),
                etag_of(response.content),
                {name: response[name] for name in _KEPT_HEADERS if name in response},
            )
            packed = b64encode(kept.packed).decode("ascii")
            cache.set(key, (stamp, made_at, packed, kept.etag, kept.headers), settings.ANONYMOUS_PAGE_SECONDS)
        if is_first:
            _remember(request, kept, stamp, made_at)
        return _answer(request, kept)

    return cached_view


def _first_stamp() -> str:
    """A stamp where none is in force; to be made before the rows are read, as a change makes one after."""
    stamp = uuid4().hex
    return stamp if cache.add(_STAMP_KEY, stamp, _STAMP_SECONDS) else ""


class KeptPageMiddleware:
    """Answers visitors with what this process has just sent to another one. Stands before the sessions.

    Whether the site is open to visitors was asked when the page was made; when that changes, the stamp does.
    """

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = _answer_from_here(request)
        return self.get_response(request) if response is None else response


def _answer_from_here(request: Request) -> HttpResponse | None:
    """The page that is asked for, where it is remembered and nothing has changed since. One read of the cache."""
    if not _is_whole_page(request) or (here := _here.get(_key_here(request))) is None:
        return None
    if time.monotonic() > here.until or timezone.localdate(timezone=here.zone) != here.day:
        return None
    if cache.get(_STAMP_KEY) != here.stamp:
        return None
    request.get_host()  # refuses names that are not ours, as it does for every page
    request.resolver_match = here.match
    response = _answer(request, here.kept)
    response.headers["Content-Length"] = str(len(response.content))
    return response


def _remember(request: Request, kept: _Kept, stamp: str, made_at: float) -> None:
    """Keep a page in the memory of this process."""
    if not stamp or not _is_whole_page(request) or request.resolver_match is None:
        return
    zone = timezone.get_current_timezone()
    age = max(0.0, time.time() - made_at)
    until = time.monotonic() + settings.ANONYMOUS_PAGE_SECONDS - age
    here = _KeptHere(kept, stamp, until, timezone.localdate(), zone, request.resolver_match)
    _here.put(_key_here(request), here, len(kept.packed) + 2_000)


def _is_whole_page(request: Request) -> bool:
    """Whether a page is asked for that may be everybody's; htmx asks for parts."""
    return "HTTP_HX_REQUEST" not in request.META and _is_anybodys(request)


def _key_here(request: Request) -> tuple[str, str, str]:
    return settings.ACCESS or "", chosen_theme(request.COOKIES), request.get_full_path()


@contextmanager
def _unconditionally(request: Request) -> Iterator[None]:
    """What the browser has is looked at when the whole page is there, to be cached."""
    asked = {name: request.META.pop(name) for name in _CONDITIONS if name in request.META}
    try:
        yield
    finally:
        request.META.update(asked)


def _answer(request: Request, kept: _Kept) -> HttpResponse:
    """The page or feed, or 304 for who has this one. It may be kept, and must be asked for each time."""
    headers = {**kept.headers, "ETag": kept.etag, "Cache-Control": "no-cache"}
    modified = kept.headers.get("Last-Modified", "")
    is_packed = takes_gzip(request)
    response = HttpResponse(kept.packed if is_packed else gunzipped(kept.packed), headers=headers)
    patch_vary_headers(response, ["Cookie", "HX-Request", "Accept-Encoding"])
    if is_packed:
        mark_gzip(response)
    last_modified = parse_http_date_safe(modified) if modified else None
    answer = get_conditional_response(request, etag=kept.etag, last_modified=last_modified, response=response)
    return response if answer is None else answer


def _is_anybodys(request: Request) -> bool:
    """Whether neither a cookie nor a token can make the answer somebody's own."""
    if not settings.ANONYMOUS_PAGE_SECONDS or request.method != "GET" or "HTTP_AUTHORIZATION" in request.META:
        return False
    return not set(request.COOKIES) - {theme_cookie()}


def _key(request: Request, names: frozenset[str]) -> str | None:
    """The key of the page in the cache; None where it may be somebody's own."""
    if not _is_anybodys(request) or set(request.GET) - names:  # nobody fills the cache by making up addresses
        return None
    parts = (timezone.localdate(), chosen_theme(request.COOKIES), bool(request.htmx), request.get_full_path())
    # Addresses may be long, and have spaces in them.
    return f"visitors-answer:{hashlib.sha256(repr((settings.VERSION, *parts)).encode()).hexdigest()}"
