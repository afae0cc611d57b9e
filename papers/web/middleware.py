"""What holds for every address: one form of it, who may read, and the reader's time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.encoding import escape_uri_path
from django.utils.functional import SimpleLazyObject

from papers.accounts.second_factor import mark_session
from papers.models import User
from papers.references.common import MAX_BYTES
from papers.services.operations.installation import group_settings
from papers.web.ask_sign_in import ask_to_sign_in
from papers.web.content_security import POLICY
from papers.web.http import Request
from papers.web.json_errors import is_program, json_error

GetResponse = Callable[[Request], HttpResponse]

_HEADERS = {
    # Other sites' pages can neither load what is here nor hold on to our windows.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Nothing here asks for any of these; who manages to run a script here can't either. It is for documents alone, and
# longer than some scripts, so what is only part of a page leaves without it.
_PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "geolocation"),
        *("gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment"),
        *("picture-in-picture", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
    )
)
_PARTS_OF_PAGES = ("text/css", "text/javascript", "image/png")

# URL names that a stranger reaches on a members-only site: the ways in, and the colour of its pages.
PUBLIC_VIEWS = frozenset(
    (
        *("admin-sign-in", "papers:sign-in", "papers:sign-out", "papers:login-link", "papers:invited", "papers:theme"),
        *("account_signup", "account_inactive", "mfa_authenticate"),
        *("account_email_verification_sent", "account_confirm_email"),
        *("account_reset_password", "account_reset_password_done"),
        *("account_reset_password_from_key", "account_reset_password_from_key_done"),
        *("openid_connect_login", "openid_connect_callback", "socialaccount_signup"),
        *("socialaccount_login_cancelled", "socialaccount_login_error"),
        # What the links in a mail lead to: whoever has its key may read that mail, change it and end it.
        *("digests:unsubscribe", "digests:preferences", "digests:sent", "digests:confirm"),
        *("digests:unfollow", "digests:forget"),
        *("digests:mail", "digests:mail-more", "digests:mail-below", "digests:save", "digests:vote", "digests:seen"),
        *("digests:more", "digests:less", "digests:subscription", "digests:weekly"),
        # Programs that look before they read.
        *(
            "papers:robots",
            "papers:icon",
            "papers:change-password",
            "papers:security-txt",
            "papers:manifest",
            "papers:service-worker",
        ),
        # Before somebody signs up they may know what that means.
        "papers:privacy",
        # Programs are told in JSON that they need a token.
        "papers:api-changes",
        # Feed readers don't sign in: whoever has the address reads it.
        "papers:following-feed",
        "papers:for-you-feed",
        "papers:own-feed",
        "papers:own-trending-feed",
        "papers:own-new-feed",
        "papers:own-comments-feed",
        "papers:own-library-feed",
        "papers:own-tag-feed",
        "papers:own-topic-feed",
        "papers:own-list-feed",
        "papers:own-club-calendar",
        "papers:own-clubs-calendar",
    )
)


class ResponseHeadersMiddleware:
    """The outermost: every answer says what a browser may do with it and who may keep it.

    What is shown to somebody signed in is `private`, and so is each page that says nothing of caches itself: a shared
    cache on the way may keep only what is made to be the same for everybody (`papers/web/page_cache.py`, feeds, files).

    Where a session ends, whichever way, the browser throws away the pages that it holds and what its worker kept, so
    that the next person on it is shown neither (W3C Clear Site Data). Below a sub-path the storage is other programs'
    too, and the worker throws away its own.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = self.get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.headers.get("Content-Type", "").startswith(_PARTS_OF_PAGES):
            response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
            response.headers.setdefault("Content-Security-Policy", POLICY)
        if _ends_session(response):
            response.headers["Clear-Site-Data"] = '"cache"' if settings.SITE.path else '"cache", "storage"'
        said = response.headers.get("Cache-Control", "")
        if "public" not in said and (not said or has_session(request, response)):
            patch_cache_control(response, private=True)
        return response


def has_session(request: Request, response: HttpResponse) -> bool:
    """Whether an answer may be somebody's own: the browser has brought a session, or is given one. No queries."""
    name = settings.SESSION_COOKIE_NAME
    return name in request.COOKIES or name in response.cookies


def _ends_session(response: HttpResponse) -> bool:
    """Whether an answer takes a session's cookie away from the browser."""
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and not cookie.value


class NoTrailingSlashMiddleware:
    """Addresses have no slash at the end; the other form leads to this one. The admin keeps Django's own habit."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        path = request.path_info
        if (
            len(path) > 1
            and path.endswith("/")
            and not path.startswith("/admin/")
            and request.method in ("GET", "HEAD")
        ):
            # One slash at the front: //host would lead to another site.
            target = "/" + escape_uri_path(path.strip("/"))
            query = request.META.get("QUERY_STRING", "")
            prefix = request.META.get("SCRIPT_NAME", "").rstrip("/")
            return HttpResponsePermanentRedirect(prefix + target + (f"?{query}" if query else ""))
        return self.get_response(request)


class GroupMiddleware:
    """`request.group`, the group's choices: read once a request, whoever asks."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.group = group_settings()
        return self.get_response(request)


class RightsMiddleware:
    """The account of a request knows whether its session has shown the second factor that administrators need."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.user = cast("User", SimpleLazyObject(lambda: mark_session(request, get_user(request))))
        return self.get_response(request)


class AccessMiddleware:
    """On a members-only site every page is closed to strangers unless its URL name is in OPEN_VIEWS.

    Closed by default: a page added later need not remember it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = self.get_response(request)
        if request.group.members_only:
            patch_cache_control(response, private=True)  # some caches between here and the reader ignore Vary
        return response

    def process_view(self, request: Request, *_view: object) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in PUBLIC_VIEWS or match.app_name == "admin":
            return None
        if request.user.is_authenticated or not request.group.members_only:
            return None
        if is_program(request):
            return json_error(401, "This site is for members only. Sign in to read it.")
        return ask_to_sign_in(request)


class RejectNulMiddleware:
    """No address of ours has a NUL in it, and Postgres would refuse to look for one: there is no such page.

    The way out of a mail has a page of its own for keys that open nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Request, *_view: object) -> None:
        match = request.resolver_match
        if "\0" in request.path_info and match is not None and match.view_name != "digests:unsubscribe":
            raise Http404("There is no such page.")


class BodyTooLargeMiddleware:
    """A page for a request whose body no form takes: `config/buffered_requests.py` threw it away, and said so."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if "HTTP_X_BROADSHEET_BODY_THROWN_AWAY" not in request.META:
            return self.get_response(request)
        if is_program(request):
            return json_error(413, "This request is too large.")
        return render(request, "413.html", {"megabytes": MAX_BYTES // 1_000_000}, status=413)


class ReaderTimeZoneMiddleware:
    """Times on pages are shown in the reader's zone, else the group's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        zone = request.user.zone() if request.user.is_authenticated else None
        with timezone.override(zone or request.group.zone):
            return self.get_response(request)
