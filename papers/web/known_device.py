"""A cookie that says which accounts signed in by this browser before: then it is no new device. It opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from papers.models import User

DEVICE_COOKIE_SECONDS = 365 * 24 * 60 * 60
_SALT = "papers.known-device"
_MOST_ACCOUNTS = 10
_NEW_VALUE = "_device_cookie"


def device_cookie() -> str:
    """The name of the cookie."""
    return f"{settings.SITE.cookie_prefix}broadsheet_device"


def is_marked(request: HttpRequest, user: User) -> bool:
    """Whether the browser of a request brings our word that this account signed in by it within a year."""
    return user.pk in _accounts(request)


def mark_device(request: HttpRequest, user: User) -> None:
    """Have the answer to this request remember that the account signed in by this browser."""
    others = [pk for pk in _accounts(request) if pk != user.pk]
    setattr(request, _NEW_VALUE, signing.dumps([*others, user.pk][-_MOST_ACCOUNTS:], salt=_SALT))


def _accounts(request: HttpRequest) -> list[int]:
    try:
        found: Any = signing.loads(request.COOKIES.get(device_cookie(), ""), salt=_SALT, max_age=DEVICE_COOKIE_SECONDS)
    except signing.BadSignature:
        return []
    return [pk for pk in found if isinstance(pk, int)] if isinstance(found, list) else []


class KnownDeviceMiddleware:
    """Sets the cookie after a sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if value := getattr(request, _NEW_VALUE, ""):
            response.set_cookie(
                device_cookie(),
                value,
                max_age=DEVICE_COOKIE_SECONDS,
                path=settings.SESSION_COOKIE_PATH,
                secure=bool(settings.SESSION_COOKIE_SECURE),
                httponly=True,
                samesite="Lax",
            )
        return response
