"""What holds for every address of the API: who asks, how often, in which form, and that each error is a problem.

A token in the header `Authorization` says who asks. A session's cookie lets its reader read, as pages do, and never
write: no form of another site can do anything. A token in a URL is not accepted, because URLs end up in logs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from papers.models import ApiToken
from papers.services.accounts.api_tokens import TOKEN_PREFIX, token_of_key
from papers.web.compression import gunzipped
from papers.web.http import Request, client_network
from papers.web.json_errors import is_program, json_error
from papers.web.problems import PROBLEM_TYPE, ProblemError, is_api, problem_response
from papers.web.ratelimit import RateWindow, count_in_window

GetResponse = Callable[[Request], HttpResponse]

MAX_BODY_BYTES = 512_000
"""More than the longest note or comment takes, however its characters are escaped."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy")
_EXPOSED = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, PUT, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "600",
}
_SAID = {
    400: "The request can't be read.",
    404: "There is nothing at this address.",
    405: "This address takes other methods; Allow names them.",
    413: "The body is too large.",
    500: "Something went wrong here. The site's log has it.",
}


class ApiAnswerMiddleware:
    """The outer half: errors become problems, whoever made them; answers get an ETag; other sites' scripts are let in
    where BROADSHEET_API_ORIGINS says so.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        allowed = _allowed_origin(origin)
        if request.method == "OPTIONS" and allowed and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204, headers=_PREFLIGHT)
        else:
            response = self._answer(request)
        if settings.API_ORIGINS:
            patch_vary_headers(response, ["Origin"])
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = allowed
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    def _answer(self, request: Request) -> HttpResponse:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        response = self.get_response(request)
        if response.status_code >= 400 and response.headers.get("Content-Type") != PROBLEM_TYPE:
            response = _as_problem(response)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        if request.method == "GET" and response.status_code == 200:
            response = _with_etag(request, response)
        else:
            response.headers["Cache-Control"] = "no-store"
        if is_head:
            request.method = "HEAD"
            length = str(len(response.content))
            response.content = b""
            response.headers["Content-Length"] = length
        return response


def _allowed_origin(origin: str) -> str:
    """What is answered to scripts of another site (Fetch, CORS); empty where they are kept out."""
    if "*" in settings.API_ORIGINS:
        return "*"
    return origin if origin and origin in settings.API_ORIGINS else ""


def _as_problem(response: HttpResponse) -> HttpResponse:
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    if "Allow" in kept:  # in no order, and without HEAD, which this middleware answers for every GET
        methods = set(kept["Allow"].split(", "))
        kept["Allow"] = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    return problem_response(response.status_code, _SAID.get(response.status_code, ""), headers=kept)


def _with_etag(request: Request, response: HttpResponse) -> HttpResponse:
    """The answer, or 304 where whoever asks has the same (RFC 9110, 13.1.2). Made of its bytes, so always right.

    Of those before compression, which adds a head of random length: the same answer never has the same bytes twice.
    """
    is_packed = response.headers.get("Content-Encoding") == "gzip"
    plain = gunzipped(response.content) if is_packed else response.content
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
    is_own = "Authorization" in request.headers or settings.SESSION_COOKIE_NAME in request.COOKIES
    is_own = is_own or "private" in response.headers.get("Cache-Control", "")  # of a members-only site
    known = {one.removeprefix("W/") for one in parse_etags(request.headers.get("If-None-Match", ""))}
    if etag.removeprefix("W/") in known or "*" in known:
        kept = {name: response.headers[name] for name in ("Vary", *_KEPT_HEADERS[3:]) if name in response.headers}
        response = HttpResponseNotModified(headers=kept)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache" if is_own else "public, no-cache"
    return response


class ApiCallerMiddleware:
    """The inner half: who asks, and whether the request may be looked at. Behind the middleware of sessions."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if not is_api(request):
            return self._for_contract(request) if is_program(request) else self.get_response(request)
        request.api_token = None
        try:
            if "Authorization" in request.headers:
                request.api_token = _token(request.headers["Authorization"])
                request.user = request.api_token.user
            elif request.method not in SAFE_METHODS:
                request.user = AnonymousUser()
        except ProblemError as error:
            return problem_response(error.status, error.detail, headers=error.headers)
        response = self.get_response(request)
        if (window := getattr(request, "rate_window", None)) is not None:
            for name, value in window.headers().items():
                response.headers[name] = value
        return response

    def _for_contract(self, request: Request) -> HttpResponse:
        """Hugging Face's client brings its token, if it has one, wherever it is pointed: ours says who asks, another
        is none of our business."""
        header = request.headers.get("Authorization", "")
        if request.method in SAFE_METHODS and TOKEN_PREFIX in header:
            try:
                request.user = _token(header).user
            except ProblemError as error:
                return json_error(error.status, error.detail)
        return self.get_response(request)

    def process_view(self, request: Request, *_view: object) -> HttpResponse | None:
        if not is_api(request):
            return None
        window = _count(request)
        request.rate_window = window
        if window.remaining < 0:
            wait = str(window.resets_in)
            return problem_response(429, f"Ask again in {wait} seconds.", headers={"Retry-After": wait})
        if request.group.members_only and not request.user.is_authenticated:
            return problem_response(
                401, "This site is for its members: a token is needed.", headers={"WWW-Authenticate": "Bearer"}
            )
        return _body_problem(request)


def _token(header: str) -> ApiToken:
    """The token of a header (RFC 6750).

    Raises:
        ProblemError: 401, it opens nothing.
    """
    scheme, _, key = header.partition(" ")
    token = token_of_key(key.strip(), now=timezone.now()) if scheme.lower() == "bearer" else None
    if token is None:
        raise ProblemError(
            401,
            "This token opens nothing: it is wrong, expired or revoked, or its account is suspended.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return token


def _count(request: Request) -> RateWindow:
    """Count the request: for its token, its reader, or the network that a visitor comes from."""
    if request.api_token is not None:
        return count_in_window("api", f"token:{request.api_token.pk}")
    if request.user.is_authenticated:
        return count_in_window("api", f"user:{request.user.pk}")
    return count_in_window("api-visitor", f"address:{client_network(request)}")


def _body_problem(request: Request) -> HttpResponse | None:
    """What is wrong with a body before it is read: its size, or its type."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return problem_response(400, "Content-Length is not a number.")
    if length > MAX_BODY_BYTES:
        return problem_response(413, f"A body has at most {MAX_BODY_BYTES} bytes.")
    if length and request.method in ("POST", "PUT") and request.content_type != "application/json":
        return problem_response(415, "A body is JSON: Content-Type: application/json.")
    return None
