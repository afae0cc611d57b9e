"""The second factor: who has one, and whether an administrator has shown a code lately.

The latter is asked before the admin and before pages that change accounts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from papers.models import User
from papers.web.http import UserRequest

P = ParamSpec("P")

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
    if not isinstance(request.user, User) or _showed_code(request):
        return None
    if has_second_factor(request.user):
        return reverse("mfa_reauthenticate")
    return reverse("mfa_activate_totp") if settings.ADMIN_SECOND_FACTOR else None


def _showed_code(request: HttpRequest) -> bool:
    since = time.time() - CODE_VALID_SECONDS
    return any(
        record["method"] == "mfa" and record["at"] > since
        for record in get_authentication_records(request, request.user)
    )


def redirect_to_step(request: HttpRequest, step: str, *, then: str) -> HttpResponse:
    """The answer that leads there, and from there on to `then`."""
    if step == reverse("mfa_activate_totp"):
        messages.warning(request, "Administrators need a second factor here. Set it up, then go on.")
    return redirect(f"{step}?{urlencode({'next': then})}")


def second_factor_required(
    view: Callable[Concatenate[UserRequest, P], HttpResponse],
) -> Callable[Concatenate[UserRequest, P], HttpResponse]:
    """A view of an administrator, behind the second factor."""

    @wraps(view)
    def guarded(request: UserRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        step = required_step_url(request)
        if step is None:
            return view(request, *args, **kwargs)
        here = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("papers:people")
        return redirect_to_step(request, step, then=here)

    return guarded
