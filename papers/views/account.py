"""Signing in by password or by one-time link, signing out, and a password of one's own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from papers.forms import SignInForm
from papers.http import Request, UserRequest, client_address, safe_next
from papers.models import User
from papers.ratelimit import count, is_over, limited, too_many
from papers.services.installation import current_group
from papers.services.signin import link_is_usable, use_login_link

# Kept in the session of somebody who came by a one-time link: such a person may set a password without the old one.
CAME_BY_LINK = "came_by_link"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Request) -> HttpResponse:
    """E-mail address and password. Only wrong ones count towards the limit."""
    target = safe_next(request, default="")
    if request.method != "POST":
        return render(request, "papers/sign_in.html", {"form": SignInForm(request), "next": target})
    limits = (
        ("sign-in-address", client_address(request)),
        ("sign-in-account", request.POST.get("username", "").strip().casefold()[:254]),
    )
    for name, who in limits:
        if is_over(name, who):
            return too_many(request, name)
    form = SignInForm(request, data=request.POST)
    if form.is_valid():
        login(request, form.get_user())
        return redirect(target or first_page(form.get_user()))
    for name, who in limits:
        count(name, who)
    return render(request, "papers/sign_in.html", {"form": form, "next": target})


@require_POST
def sign_out(request: Request) -> HttpResponse:
    logout(request)
    return redirect("papers:today")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("sign-in-link")
def login_link(request: Request, token: str) -> HttpResponse:
    """A one-time link. Opening it shows a button; only the button uses it, because mail scanners open links too."""
    now = timezone.now()
    if request.method == "POST" and (user := use_login_link(token, now=now)):
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        request.session[CAME_BY_LINK] = True
        return redirect(first_page(user))
    if link_is_usable(token, now=now):
        return render(request, "papers/login_link.html", {"is_usable": True})
    if request.user.is_authenticated:  # the link was used a moment ago, in this browser
        return redirect(first_page(request.user))
    return render(request, "papers/login_link.html", {"is_usable": False}, status=410)


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: UserRequest) -> HttpResponse:
    """Set or change one's password. Whoever came by a one-time link isn't asked for the old one."""
    knows_no_old_one = request.session.get(CAME_BY_LINK) or not request.user.has_usable_password()
    make_form = SetPasswordForm if knows_no_old_one else PasswordChangeForm
    form = make_form(request.user, request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is set. Sign in with it and your e-mail address.")
        return redirect("papers:today")
    return render(request, "papers/password.html", {"form": form})


@never_cache
def admin_sign_in(request: Request) -> HttpResponse:
    """The admin's own sign-in page has no limit on wrong passwords, so its address leads to ours."""
    if request.user.is_authenticated:
        if request.user.is_staff:
            return redirect("admin:index")
        raise Http404("This account may not enter the admin.")
    return redirect(f"{reverse('papers:sign-in')}?{request.GET.urlencode()}")


def first_page(user: User) -> str:
    """Where somebody who signed in without having been on the way to a page is led."""
    if user.is_staff and not current_group().is_set_up:
        return reverse("papers:setup")
    return reverse("papers:today")
