"""The second factor: who has one, and whether an administrator's session has shown a code lately.

Without it such a session has a reader's rights and no others: `mark_session` says so of the account of each request;
`papers.web.permissions` decides by it, and `papers.admin_site` for the admin.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from papers.models import User
from papers.web.http import Request, referring_page

CODE_VALID_SECONDS = 12 * 60 * 60
"""For how many seconds a code that was shown in this session counts."""


def has_second_factor(user: User) -> bool:
    """Whether the account has an authenticator app. One query."""
    found: bool = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return found


def reset_second_factor(user: User) -> bool:
    """Remove a lost telephone and its recovery codes; whether there were any. Idempotent."""
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    return bool(deleted)


def required_step_url(request: HttpRequest) -> str | None:
    """The address at which somebody must show a code, or set one up, first; None where nothing is in the way.

    An account without a second factor passes, unless BROADSHEET_ADMIN_SECOND_FACTOR wants one. One query at most.
    """
    user = request.user
    return _step(request, user) if isinstance(user, User) else None


def _step(request: HttpRequest, user: User) -> str | None:
    if _showed_code(request, user):
        return None
    if has_second_factor(user):
        return reverse("mfa_reauthenticate")
    return reverse("mfa_activate_totp") if settings.ADMIN_SECOND_FACTOR else None


def _showed_code(request: HttpRequest, user: User) -> bool:
    since = time.time() - CODE_VALID_SECONDS
    return any(
        record["method"] == "mfa" and record["at"] > since for record in get_authentication_records(request, user)
    )


def mark_session(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    """The account of a request, with `lacks_code` set where it is an administrator's and no code was shown."""
    if isinstance(user, User) and user.is_staff:
        user.lacks_code = _step(request, user) is not None
    return user


def code_before(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page with which an administrator could do away with the second factor, behind that factor itself."""

    @wraps(view)
    def guarded(request: Request, /, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and request.user.lacks_code:
            return ask_for_code(request)
        return view(request, *args, **kwargs)

    return guarded


def ask_for_code(request: Request) -> HttpResponse:
    """Lead an administrator who `lacks_code` to the page where it is given or set up, and back from there.

    What a form brought is not kept: it is sent again from the page it was on.
    """
    step = required_step_url(request) or reverse("mfa_index")
    here = (
        request.get_full_path()
        if request.method in ("GET", "HEAD")
        else referring_page(request, reverse("papers:today"))
    )
    if not request.htmx:
        return redirect_to_step(request, step, then=here)
    return HttpResponseClientRedirect(
        redirect_to_step(request, step, then=request.htmx.current_url_abs_path or here)["Location"]
    )


def redirect_to_step(request: HttpRequest, step: str, *, then: str) -> HttpResponse:
    """The answer that leads there, and from there on to `then`."""
    if step == reverse("mfa_activate_totp"):
        messages.warning(request, "Administrators need a second factor here. Set it up, then go on.")
    return redirect(f"{step}?{urlencode({'next': then})}")
