"""Each request is counted and timed under the name of its address, and has an id that its log lines bear."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.monitoring import log_context
from config.monitoring.counts import PROCESS_COUNTS, count_request
from config.monitoring.tracing import request_span
from papers.web.http import is_from_trusted_proxy

ID_HEADER = "X-Request-ID"
_OWN_PATHS = frozenset(("/health/live", "/health/ready", "/metrics"))
_STATUS = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


class ObservedRequestMiddleware:
    """The outermost. Costs some microseconds, and asks nothing of anybody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request_id = request_id_of(request)
        token = log_context.begin_request(request_id)
        try:
            with request_span(request) as span:
                response = self.get_response(request)
                view = view_name_of(request, response.status_code)
                span.end(view, response.status_code)
        finally:
            log_context.end_request(token)
        if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_X_FORWARDED_PROTO" in request.META:
            note_proxy(request)
        if response.status_code >= 500:
            response.headers.setdefault(ID_HEADER, request_id)  # for whoever reports it; a page may have its own
        count_request(view, _STATUS.get(response.status_code // 100, "other"), time.perf_counter() - began)
        return response


def note_proxy(request: HttpRequest) -> None:
    """What the web server in front does, where it does not fit the settings: `manage.py doctor` tells it."""
    meta, note = request.META, PROCESS_COUNTS.note
    host = meta.get("HTTP_HOST", "").rpartition(":")[0] or meta.get("HTTP_HOST", "")
    note("host-refused" if host not in settings.ALLOWED_HOSTS else "host-right", log_context.clean_id(host))
    if not is_from_trusted_proxy(request):
        note("proxy-untrusted", meta.get("REMOTE_ADDR", "") or "a Unix socket")
    elif settings.SITE.is_https and meta.get("HTTP_X_FORWARDED_PROTO") != "https":
        note("proto-missing", meta.get("REMOTE_ADDR", ""))
    if not settings.SITE.is_https and meta.get("HTTP_X_FORWARDED_PROTO") == "https":
        note("https-in-front", log_context.clean_id(host))


def request_id_of(request: HttpRequest) -> str:
    """The id that a trusted web server in front gave it, without odd characters; else one of our own."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    if given and is_from_trusted_proxy(request) and (clean := log_context.clean_id(given)):
        return clean
    return log_context.new_id()


def view_name_of(request: HttpRequest, status: int) -> str:
    """The name of the address that was asked for; of what is no page, a word. Never what a stranger wrote."""
    if match := request.resolver_match:
        return match.view_name
    path = request.path_info
    if path in _OWN_PATHS:
        return path
    is_static = path.startswith(settings.STATIC_URL.removeprefix(settings.SITE.path))
    return "static" if is_static and status < 400 else "none"
