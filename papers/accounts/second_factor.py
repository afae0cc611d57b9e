"""The second factor: who has one, and whether a session has shown it lately.

A factor is an authenticator app or a security key; recovery codes stand in for both. Without it an administrator's
session has a reader's rights and no others: `mark_session` says so of the account of each request;
`papers.web.permissions` decides by it, and `papers.admin_site` for the admin.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from papers.models import SecurityEvent, User
from papers.services.accounts.security_log import record_event
from papers.web.http import Request, referring_page

CODE_VALID_SECONDS = 12 * 60 * 60
"""For how many seconds a code that was shown in this session counts, or a security key that was: everywhere."""

APP, SECURITY_KEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN

_LAST_STEP = "last_step"
"""Where an app's row keeps the time step (RFC 6238, 4.2) of the newest code that was used."""


def has_second_factor(user: User) -> bool:
    """Whether the account has an authenticator app or a security key. One query."""
    return bool(_factors(user))


def _factors(user: User) -> set[str]:
    """The kinds of factors that an account has. One query."""
    found = Authenticator.objects.filter(user=user, type__in=(APP, SECURITY_KEY))
    return set(found.values_list("type", flat=True))


def spend_code(app: Authenticator, code: str) -> bool:
    """Use up a code of an authenticator app; whether neither it nor a later one was used before (RFC 6238, 5.2).

    The row remembers it, not the cache: a code counts once for as long as it is accepted at all, a minute and a half.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=app.pk)
        secret, last = decrypt(row.data["secret"]), row.data.get(_LAST_STEP, -1)
        for step in yield_hotp_counters_from_time():
            if step > last and compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
                row.data[_LAST_STEP] = step
                row.save(update_fields=["data"])
                return True
    return False


def reset_second_factor(user: User, *, by: User | None = None) -> bool:
    """Remove a lost telephone, all keys and the recovery codes; whether there were any. Idempotent.

    Its owner is told. `by` is the administrator who does it; None on the command line.
    """
    with transaction.atomic():
        deleted, _ = Authenticator.objects.filter(user=user).delete()
        if deleted:
            record_event(user=user, kind=SecurityEvent.Kind.FACTOR_RESET, by=by, now=timezone.now())
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
    if factors := _factors(user):
        return reverse("mfa_reauthenticate" if APP in factors else "mfa_reauthenticate_webauthn")
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
    """A page with which a second factor is taken off or its codes are read: behind that factor, whosever it is."""

    @wraps(view)
    def guarded(request: Request, /, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if user.is_authenticated and (user.lacks_code or _owes_code(request, user)):
            return ask_for_code(request)
        return view(request, *args, **kwargs)

    return guarded


def code_before_another(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that adds a second factor: where there is one, behind that. Else whoever has no code makes one."""

    @wraps(view)
    def guarded(request: Request, /, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if user.is_authenticated and _owes_code(request, user):
            return ask_for_code(request)
        return view(request, *args, **kwargs)

    return guarded


def _owes_code(request: HttpRequest, user: User) -> bool:
    """Whether the account has a second factor and this session has not shown it lately. One query at most."""
    return not _showed_code(request, user) and has_second_factor(user)


def ask_for_code(request: Request) -> HttpResponse:
    """Lead somebody whose session lacks the code to the page where it is given or set up, and back from there.

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
        messages.warning(request, "Administrators need two-factor authentication here. Set it up to continue.")
    return redirect(f"{step}?{urlencode({'next': then})}")
