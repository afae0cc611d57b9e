"""Invitations: the page on which curators make them, and the link by which somebody comes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.accounts.adapters import INVITATION_SESSION_KEY
from papers.accounts.notifications import send_invitation
from papers.forms.accounts import InvitationForm
from papers.models import Invitation, Role
from papers.services.accounts.invitations import (
    INVITATION_LIFETIME,
    create_invitation,
    find_invitation,
    grantable_roles,
    revoke_invitation,
)
from papers.services.accounts.signup_policy import may_sign_up
from papers.web.http import Request, UserRequest
from papers.web.permissions import curators_or_staff_only
from papers.web.ratelimit import rate_limited

MAX_SHOWN = 100


@never_cache
@require_safe
@rate_limited("sign-in-link")
def accept_invitation(request: Request, token: str) -> HttpResponse:
    """Where an invitation's link leads: to the sign-up page, or to a word on why not."""
    if request.user.is_authenticated:
        return redirect("papers:today")
    if not may_sign_up(invitation_token=token, now=timezone.now()):
        return render(request, "account/invitation_gone.html", status=410)
    if find_invitation(token, now=timezone.now()):
        request.session[INVITATION_SESSION_KEY] = token
    return redirect("account_signup")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@curators_or_staff_only
@rate_limited("invite", methods=frozenset({"POST"}))
def invitations(request: UserRequest) -> HttpResponse:
    """Make one, and see those that were made. The link is shown once."""
    roles, now = grantable_roles(request.user), timezone.now()
    form = InvitationForm(request.POST or None, roles=roles)
    link = sent_to = ""
    if form.is_valid():
        email = form.cleaned_data["email"]
        role = form.cleaned_data.get("role", Role.READER)
        link = create_invitation(by=request.user, email=email, role=role, now=now)
        if email and settings.MAIL_IS_SENT:
            sent_to = email
            send_invitation(request, email, link, by=request.user)
        form = InvitationForm(roles=roles)
    context = {
        "form": form,
        "link": link,
        "sent_to": sent_to,
        "days": INVITATION_LIFETIME.days,
        "invitations": [(row, row.state(now)) for row in Invitation.objects.newest()[:MAX_SHOWN]],
        "is_closed": settings.SIGNUP == "closed",
    }
    return render(request, "account/invitations.html", context)


@require_POST
@curators_or_staff_only
def revoke(request: UserRequest, pk: int) -> HttpResponse:
    """Take an invitation back."""
    revoke_invitation(pk, now=timezone.now())
    return redirect("papers:invitations")
