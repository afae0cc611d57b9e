"""Signing in and out, and one's own account. What allauth shows by itself is in config/account_urls.py."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import cast

from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.utils import perform_login
from allauth.account.views import email as email_view
from allauth.account.views import password_reset as reset_view
from allauth.account.views import reauthenticate as password_again
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from papers.accounts.forms import OldPasswordForm
from papers.accounts.identity import (
    came_by_link_lately,
    can_show_identity,
    record_link,
    showed_identity_lately,
    spend_link,
)
from papers.accounts.notifications import notify_password_changed, send_sign_in_link
from papers.accounts.oidc import PROVIDER_ERRORS, CheckedAdapter
from papers.accounts.second_factor import has_second_factor, redirect_to_step, required_step_url
from papers.forms.accounts import DeleteAccountForm, ProfileForm, SignInForm
from papers.forms.fields import time_zones
from papers.models import User
from papers.services.accounts.data_export import export_account
from papers.services.accounts.deletion import LastAdministratorError, delete_account
from papers.services.accounts.email_addresses import ensure_confirmed_address
from papers.services.accounts.login_links import is_login_link_usable, use_login_link
from papers.services.accounts.sessions import end_session, end_sessions, sessions_of
from papers.services.accounts.signup_policy import is_signup_open
from papers.services.operations.installation import group_settings
from papers.text.mailboxes import canonical_or_same
from papers.web.http import Request, UserRequest, client_network, safe_next
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import count_attempt, rate_limited, too_many_requests, uncount_attempt
from papers.web.visitor_acts import kept_place

logger = logging.getLogger(__name__)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Request) -> HttpResponse:
    """E-mail address and password. Only wrong ones count towards the limit.

    Each is counted before the password is looked at, and taken back where that was right: of many at once no more are
    tried than the limit says.
    """
    target = safe_next(request, default="")
    if request.method != "POST":
        return _show_sign_in(request, SignInForm(request), target)
    limits = (
        ("sign-in-address", client_network(request)),
        ("sign-in-account", canonical_or_same(request.POST.get("username", "")[:1_000]).casefold()),
    )
    for number, (name, key) in enumerate(limits):
        if not count_attempt(name, key):
            _uncount(limits[:number])
            return too_many_requests(request, name)
    form = SignInForm(request, data=request.POST)
    if form.is_valid():
        _uncount(limits)
        return sign_in_user(request, form.get_user(), target=target or landing_url(form.get_user()))
    return _show_sign_in(request, form, target)


def _uncount(limits: Iterable[tuple[str, str]]) -> None:
    for name, key in limits:
        uncount_attempt(name, key)


def _show_sign_in(request: Request, form: SignInForm, target: str) -> HttpResponse:
    context = {
        "form": form,
        "next": target,
        "sign_up_is_open": is_signup_open(),
    }
    return render(request, "papers/sign_in.html", context)


def sign_in_user(request: Request, user: User, *, target: str) -> HttpResponse:
    """The answer that signs `user` in and leads to `target`, or to what has to be done before: a second factor."""
    ensure_confirmed_address(user)
    answer: HttpResponse = perform_login(request, user, redirect_url=target)
    return answer


def openid_connect_login(request: Request, provider_id: str) -> HttpResponse:
    """By POST to the group's OpenID Connect provider; by GET a button, because following a link must sign nobody in."""
    return _with_provider(request, lambda: openid_connect.login(request, provider_id))


def openid_connect_callback(request: Request, provider_id: str) -> HttpResponse:
    """Where the provider sends somebody back to: signed in, to what is still to be done, or a sentence on why not."""

    def answer() -> HttpResponse:
        try:
            found: HttpResponse = OAuth2CallbackView.adapter_view(CheckedAdapter(request, provider_id))(request)
        except SocialApp.DoesNotExist as error:
            raise Http404("There is no such provider.") from error
        return found

    return _with_provider(request, answer)


def _with_provider(request: Request, ask: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return ask()
    except PROVIDER_ERRORS:  # it does not answer, or its answer is malformed
        logger.exception("The OpenID Connect provider did not say who somebody is")
        return render(request, "socialaccount/authentication_error.html", status=503)


@require_POST
def sign_out(request: Request) -> HttpResponse:
    """End the session and lead to today's papers."""
    logout(request)
    return redirect("papers:today")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited("sign-in-link")
def login_link(request: Request, token: str) -> HttpResponse:
    """A one-time link. Opening it shows a button; only the button uses it, because mail scanners open links too."""
    now = timezone.now()
    if request.method == "POST" and (user := use_login_link(token, now=now)):
        answer = sign_in_user(request, user, target=kept_place(request) or landing_url(user))
        record_link(request, user)
        return answer
    if is_login_link_usable(token, now=now):
        return render(request, "papers/login_link.html", {"is_usable": True})
    if request.user.is_authenticated:  # the link was used a moment ago, in this browser
        return redirect(landing_url(request.user))
    return render(request, "papers/login_link.html", {"is_usable": False}, status=410)


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: UserRequest) -> HttpResponse:
    """Set or change one's password.

    The old one isn't asked for where there is none, or right after a reauthentication or a one-time link.
    """
    was_shown, has_one = showed_identity_lately(request, request.user), request.user.has_usable_password()
    if not (was_shown or has_one) and can_show_identity(request.user):  # by its second factor
        raise ReauthenticationRequired
    make_form = OldPasswordForm if has_one and not was_shown else SetPasswordForm
    form = make_form(request.user, request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)
        spend_link(request)
        notify_password_changed(request, request.user)
        messages.success(request, "Your password has been set. Sign in with it and your e-mail address.")
        return redirect(safe_next(request, default=reverse("papers:account")))
    return render(request, "papers/password.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def reauthenticate(request: UserRequest) -> HttpResponse:
    """The password once more. An account with nothing to show is told the ways to get it: its form mails a link."""
    user = request.user
    if can_show_identity(user):
        answer: HttpResponse = password_again(request)
        return answer
    if came_by_link_lately(request, user):
        return resume_request(request) or redirect("papers:account")
    is_asked = request.method == "POST" and settings.MAIL_IS_SENT
    if is_asked:
        send_sign_in_link(request, user)
    context = {"is_asked": is_asked, "mail_is_sent": settings.MAIL_IS_SENT, "next": safe_next(request, default="")}
    return render(request, "account/nothing_to_show.html", context)


@never_cache
def admin_sign_in(request: Request) -> HttpResponse:
    """The admin's own sign-in page has no limit on wrong passwords, so its address leads to ours."""
    if request.user.is_authenticated:
        if request.user.is_staff:
            target = safe_next(request, default=reverse("admin:index"))
            step = required_step_url(request)
            return redirect(target) if step is None else redirect_to_step(request, step, then=target)
        raise Http404("This account does not have access to the administration.")
    return redirect(f"{reverse('papers:sign-in')}?{request.GET.urlencode()}")


@never_cache
@sign_in_required
@rate_limited("account", methods=frozenset({"POST"}))
def change_email(request: UserRequest) -> HttpResponse:
    """Another e-mail address. It replaces the old one when it is confirmed; a notice goes to the old one."""
    ensure_confirmed_address(request.user)
    if not settings.MAIL_IS_SENT:
        return render(request, "account/no_mail.html", {"what": "change your address"})
    answer: HttpResponse = email_view(request)
    return answer


def password_reset(request: Request) -> HttpResponse:
    """Asking for a link to set a new password."""
    if not settings.MAIL_IS_SENT:
        return render(request, "account/no_mail.html", {"what": "set a new password"})
    answer: HttpResponse = reset_view(request)
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("account", methods=frozenset({"POST"}))
def account(request: UserRequest) -> HttpResponse:
    """A reader's own account page: name, time zone, and links to everything else of the account."""
    user = User.objects.get(pk=request.user.pk)  # a wrong name must not show in the page's own menu
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("papers:account")
    context = {
        "form": form,
        "time_zones": time_zones(),
        "has_second_factor": has_second_factor(request.user),
    }
    return render(request, "account/account.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def sessions(request: UserRequest) -> HttpResponse:
    """Where one is signed in; end one of these sessions, or all."""
    if request.method == "POST":
        if request.POST.get("which") == "all":
            end_sessions(request.user)
            logout(request)
            messages.success(request, "You have been signed out everywhere.")
            return redirect("papers:sign-in")
        end_session(request.user, request.POST.get("which", ""))
        return redirect("papers:sessions")
    rows = sessions_of(request.user, current_key=request.session.session_key)
    return render(request, "account/sessions.html", {"sessions": rows, "now": timezone.now()})


@never_cache
@require_POST
@sign_in_required
@rate_limited("account-export")
def export(request: UserRequest) -> HttpResponse:
    """All that the account holds, as one zip."""
    name = f"broadsheet-{request.user.username}-{timezone.localdate():%Y-%m-%d}.zip"
    # FileResponse is no HttpResponse to type checkers; middleware and decorators treat both alike.
    return cast(HttpResponse, FileResponse(export_account(request.user), as_attachment=True, filename=name))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("account", methods=frozenset({"POST"}))
def delete(request: UserRequest) -> HttpResponse:
    """Delete one's account, after a reauthentication. The page says what goes and what stays, and asks for the name."""
    if not showed_identity_lately(request, request.user):
        raise ReauthenticationRequired
    form = DeleteAccountForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            delete_account(request.user)
        except LastAdministratorError:
            form.add_error(None, "You are the only administrator. Make someone else an administrator first.")
        else:
            logout(request)
            messages.success(request, "Your account has been deleted.")
            return redirect("papers:today")
    return render(request, "account/delete.html", {"form": form})


def landing_url(user: User) -> str:
    """The address of the first page after signing in, when the reader was not on the way to another."""
    if user.is_staff and not group_settings().is_set_up:
        return reverse("papers:setup")
    return reverse("papers:today")
