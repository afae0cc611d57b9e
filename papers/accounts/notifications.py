"""Mails of accounts that allauth does not send by itself."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.utils import timezone

from papers.accounts.security_signals import record
from papers.models import Role, SecurityEvent, User
from papers.services.accounts.mail_allowance import MailKind
from papers.services.accounts.security_log import record_event
from papers.web.http import Request


def send_invitation(request: Request, email: str, link: str, *, by: User) -> None:
    """Send an invitation's link; at most three a day go to one address."""
    context = {"invitation_url": link, "invited_by": by.username, "mail_kind": MailKind.INVITATION}
    get_adapter(request).send_mail("account/email/invitation", email, context)


def notify_password_changed(request: Request, user: User) -> None:
    """Tell the owner of an account that its password was changed, should it not have been them; and note it."""
    record(request, user, SecurityEvent.Kind.PASSWORD)
    get_adapter(request).send_notification_mail("account/email/password_changed", user)


def notify_role_changed(request: Request, user: User, *, by: User) -> None:
    """Tell somebody what they may do from now on."""
    role = user.role
    context = {"role": f"{'an' if role is Role.ADMINISTRATOR else 'a'} {role.label}", "changed_by": by.username}
    get_adapter(request).send_notification_mail("account/email/role_changed", user, context)


def notify_factor_removed(request: Request, user: User, *, by: User) -> None:
    """Tell somebody that an administrator turned their second factor off; and note it."""
    record_event(user=user, kind=SecurityEvent.Kind.FACTOR_OFF, by=by, now=timezone.now())
    get_adapter(request).send_notification_mail("account/email/factor_removed", user, {"changed_by": by.username})
