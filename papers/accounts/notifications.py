"""Mails of accounts that allauth does not send by itself."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils import timezone

from papers.accounts.security_signals import note_password
from papers.models import SecurityEvent, User
from papers.services.accounts.login_links import create_login_link
from papers.services.accounts.mail_allowance import MailKind
from papers.services.accounts.security_log import record_event
from papers.web.http import Request


def send_invitation(request: Request, email: str, link: str, *, by: User) -> None:
    """Send an invitation's link; at most three a day go to one address."""
    context = {"invitation_url": link, "invited_by": by.username, "mail_kind": MailKind.INVITATION}
    get_adapter(request).send_mail("account/email/invitation", email, context)


def send_sign_in_link(request: Request, user: User) -> None:
    """Send an account a one-time link to its own address: held to the limit of links to a new password."""
    context = {"user": user, "sign_in_link": create_login_link(user.email), "mail_kind": MailKind.RESET}
    get_adapter(request).send_mail("account/email/sign_in_link", user.email, context)


def notify_password_changed(request: Request, user: User) -> None:
    """Note that the password of an account was changed, and tell its owner, should it not have been them."""
    note_password(request, user)
    get_adapter(request).send_notification_mail("account/email/password_changed", user)


def note_password_set(request: HttpRequest, user: User, *, by: User) -> None:
    """Note that an administrator set the password of an account, and tell its owner."""
    record_event(user=user, kind=SecurityEvent.Kind.PASSWORD, now=timezone.now(), by=by)
    get_adapter(request).send_notification_mail("account/email/password_changed", user)


def note_address_changed(request: HttpRequest, user: User, *, old: str, by: User) -> None:
    """Note that an administrator changed the address of an account, and tell the old address."""
    record_event(user=user, kind=SecurityEvent.Kind.ADDRESS, now=timezone.now(), by=by)
    context = {"from_email": old, "to_email": user.email}
    get_adapter(request).send_notification_mail("account/email/email_changed", user, context, email=old)
