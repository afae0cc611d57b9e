"""E-mail addresses of accounts, and which of them are confirmed."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from papers.models import User


def ensure_confirmed_address(user: User) -> None:
    """Mark the address of an account as confirmed if it has no row yet. Idempotent.

    An account that signed up has a row from the start, which a mail confirms. One without was made by an administrator,
    on a page or on the command line, who vouches for the address.
    """
    if not EmailAddress.objects.filter(user=user).exists():
        EmailAddress.objects.get_or_create(
            user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
        )


def has_confirmed_address(user: User) -> bool:
    """Whether the address of an account is known to be its owner's. One query."""
    found = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    return bool(found.exists())


def reset_to_account_address(user: User) -> None:
    """Make the address that an administrator has just given an account its only one, confirmed."""
    with transaction.atomic():
        EmailAddress.objects.filter(user=user).delete()
        ensure_confirmed_address(user)
