"""Invitations: made by curators and administrators; with one, one person can sign up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from papers.models import Invitation, Role, SecurityEvent, User
from papers.services.accounts.security_log import record_event
from papers.services.accounts.tokens import new_token, token_digest, token_url
from papers.text.mailboxes import is_same

INVITATION_LIFETIME = timedelta(days=14)
"""How long an invitation can be used."""


class InvitationGoneError(Exception):
    """The invitation was used, revoked, or is expired."""


def grantable_roles(by: User) -> list[Role]:
    """The roles that `by` may give: all for an administrator, reader for a curator."""
    return list(Role) if by.role is Role.ADMINISTRATOR else [Role.READER]


def create_invitation(*, by: User, email: str, now: datetime, role: Role = Role.READER) -> str:
    """The full address of a new invitation, which is shown once: only a digest of its token is stored.

    `email` may be empty: then anybody with the link can use it, and the address they give is confirmed by mail.

    Raises:
        PermissionDenied: `by` may not give this role.
    """
    if role not in grantable_roles(by):
        raise PermissionDenied(f"A {by.role} can only invite readers.")
    token = new_token()
    Invitation.objects.create(
        token_digest=token_digest(token),
        email=email,
        role=role,
        made_by=by,
        created_at=now,
        expires_at=now + INVITATION_LIFETIME,
    )
    return token_url("papers:invited", token)


def find_invitation(token: str, *, now: datetime) -> Invitation | None:
    """The invitation with this token, if it can still be used."""
    return Invitation.objects.usable(now).filter(token_digest=token_digest(token)).first() if token else None


def use_invitation(token: str, *, user: User, now: datetime) -> None:
    """Note who used an invitation, and give them its role. It works once, also when two use it at the same moment.

    A user with another address than the invitation's becomes a reader; so does everybody whose inviter may not give
    that role any more.

    Raises:
        InvitationGoneError: it was used, revoked, or is expired.
    """
    with transaction.atomic():
        found = Invitation.objects.usable(now).select_for_update(of=("self",)).select_related("made_by")
        invitation = found.filter(token_digest=token_digest(token)).first()
        if invitation is None:
            raise InvitationGoneError("This invitation was already used, revoked, or has expired.")
        Invitation.objects.filter(pk=invitation.pk).update(used_by=user, used_at=now)
        role = _role_given(invitation, user)
        if role is not Role.READER:
            for name, value in role.flags.items():
                setattr(user, name, value)
            user.save(update_fields=list(role.flags))
            detail = f"{'an' if role is Role.ADMINISTRATOR else 'a'} {role.label}"
            record_event(user=user, kind=SecurityEvent.Kind.ROLE, now=now, by=invitation.made_by, detail=detail)


def _role_given(invitation: Invitation, user: User) -> Role:
    maker, role = invitation.made_by, Role(invitation.role)
    is_theirs = not invitation.email or is_same(invitation.email, user.email)
    may_give = maker is not None and maker.is_active and role in grantable_roles(maker)
    return role if is_theirs and may_give else Role.READER


def revoke_invitation(pk: int, *, now: datetime) -> None:
    """Revoke an invitation that nobody has used. Idempotent."""
    Invitation.objects.filter(pk=pk, used_at=None, revoked_at=None).update(revoked_at=now)
