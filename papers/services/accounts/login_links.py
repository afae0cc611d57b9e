"""One-time sign-in links: made on the command line, used once, by a button and not by opening them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from papers.models import LoginLink, User
from papers.services.accounts.tokens import new_token, token_digest, token_url
from papers.services.accounts.usernames import free_username
from papers.text.mailboxes import is_same

LOGIN_LINK_LIFETIME = timedelta(hours=24)
LOGIN_LINK_RETENTION = timedelta(days=30)


class InactiveAccountError(Exception):
    """The account with that address is suspended."""


def create_login_link(email: str) -> str:
    """The full address of a new one-time link for an account, which is made if there is none.

    The administrator's address (BROADSHEET_ADMIN_EMAIL) gets an administrator; any other a reader. Links made before
    stay usable until they are used or a day old.

    Raises:
        InactiveAccountError: no link would let this account in.
    """
    user = User.objects.filter(email__iexact=email).first() or _make_account(email)
    if not user.is_active:
        raise InactiveAccountError(f"The account {user.email} is suspended: restore it first, under People.")
    LoginLink.objects.filter(expires_at__lt=timezone.now() - LOGIN_LINK_RETENTION).delete()
    token = new_token()
    LoginLink.objects.create(
        user=user, token_digest=token_digest(token), expires_at=timezone.now() + LOGIN_LINK_LIFETIME
    )
    return token_url("papers:login-link", token)


def _make_account(email: str) -> User:
    """An account without a password, named after the address."""
    is_admin = is_same(email, settings.ADMIN_EMAIL)
    make = User.objects.create_superuser if is_admin else User.objects.create_user
    for _ in range(10):
        try:
            with transaction.atomic():
                return make(email, free_username(email))
        except IntegrityError:
            if found := User.objects.filter(email__iexact=email).first():
                return found
    raise RuntimeError(f"No free username could be found for {email}.")


def is_login_link_usable(token: str, *, now: datetime) -> bool:
    """Whether a link would open its account. Looking doesn't use it."""
    return LoginLink.objects.usable(now).filter(token_digest=token_digest(token)).exists()


def use_login_link(token: str, *, now: datetime) -> User | None:
    """The account that a link opens, None when it is unknown, old or used. A link works once, also when two press."""
    with transaction.atomic():
        link = (
            LoginLink.objects.select_for_update(of=("self",))
            .usable(now)
            .filter(token_digest=token_digest(token))
            .select_related("user")
            .first()
        )
        if link is None:
            return None
        link.used_at = now
        link.save(update_fields=["used_at"])
        return link.user
