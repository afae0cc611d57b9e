"""Letting somebody in who has shown who they are: a second factor is asked for first where there is one."""

from __future__ import annotations

from allauth.account.utils import perform_login
from allauth.mfa.models import Authenticator
from django.http import HttpResponse

from papers.models import User
from papers.services.accounts.email_addresses import ensure_confirmed_address
from papers.web.http import Request


def sign_in_user(request: Request, user: User, *, target: str) -> HttpResponse:
    """The answer that signs `user` in and leads to `target`, or to what has to be done before."""
    ensure_confirmed_address(user)
    answer: HttpResponse = perform_login(request, user, redirect_url=target)
    return answer


def has_second_factor(user: User) -> bool:
    """One query."""
    found: bool = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return found


def reset_second_factor(user: User) -> bool:
    """Remove a lost telephone and its recovery codes; whether there were any. Idempotent."""
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    return bool(deleted)
