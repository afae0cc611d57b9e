"""Invitations: made by curators and administrators, each opens the sign-up page to one person."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from papers.models import Invitation, User

LIFETIME = timedelta(days=14)


class InvitationGoneError(Exception):
    """It was used, taken back, or is too old."""


def make_invitation(*, by: User, email: str, now: datetime) -> str:
    """The full address of a new invitation, which is shown once: only a digest of its token is stored.

    `email` may be empty: then it is for whoever has the link, and the address they give is confirmed by mail.
    """
    token = secrets.token_urlsafe(24)
    Invitation.objects.create(
        token_digest=_digest(token), email=email, made_by=by, created_at=now, expires_at=now + LIFETIME
    )
    # SITE_URL holds the sub-path, which reverse() would add a second time.
    return settings.SITE.origin + reverse("papers:invited", args=[token])


def invitation_of(token: str, *, now: datetime) -> Invitation | None:
    """The invitation with this token, if it can still be used."""
    return Invitation.objects.usable(now).filter(token_digest=_digest(token)).first() if token else None


def use_invitation(token: str, *, user: User, now: datetime) -> None:
    """Note who came by an invitation. It works once, also when two use it at the same moment.

    Raises:
        InvitationGoneError: it can't be used any more.
    """
    with transaction.atomic():
        if not Invitation.objects.usable(now).filter(token_digest=_digest(token)).update(used_by=user, used_at=now):
            raise InvitationGoneError("This invitation was used, taken back, or is too old.")


def revoke_invitation(pk: int, *, now: datetime) -> None:
    """Take an invitation back that nobody has used. Idempotent."""
    Invitation.objects.filter(pk=pk, used_at=None, revoked_at=None).update(revoked_at=now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
